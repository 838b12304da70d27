import { known, type Span } from "./spans.ts";

export interface KnownSecret {
  readonly name: string;
  readonly value: string;
}

/** Finds the secrets that the server holds, in any of the writings in which they could leave. */
export interface KnownSecrets {
  find(text: string, add: (span: Span) => void): void;
}

/** Shorter values (a port, `admin`) stand in too many innocent texts. */
export const leastKnown = 6;
const leastForm = 6;

/** Undefined when there is none to look for. */
export function createKnownSecrets(secrets: readonly KnownSecret[]): KnownSecrets | undefined {
  const forms = new Set<string>();
  for (const { value } of secrets) if (value.length >= leastKnown) for (const form of toForms(value)) forms.add(form);
  if (forms.size === 0) return undefined;
  const table = new Uint8Array(65_536);
  const byStart = new Map<number, string[]>();
  for (const form of [...forms].sort((a, b) => b.length - a.length)) {
    const key = startOf(form, 0);
    table[key] = 1;
    byStart.set(key, [...(byStart.get(key) ?? []), form]);
  }
  return {
    find(text, add) {
      for (let at = 0; at + leastForm <= text.length; at++) {
        const key = startOf(text, at);
        if (table[key] === 0) continue;
        const form = byStart.get(key)?.find((candidate) => text.startsWith(candidate, at));
        if (form === undefined) continue;
        add({ start: at, end: at + form.length, kind: known });
        at += form.length - 1;
      }
    },
  };
}

const startOf = (text: string, at: number): number =>
  ((text.charCodeAt(at) & 255) << 8) | (text.charCodeAt(at + 1) & 255);

function toForms(value: string): readonly string[] {
  const bytes = Buffer.from(value, "utf8");
  const hex = bytes.toString("hex");
  const percent = hex.replace(/../g, "%$&");
  const json = JSON.stringify(value).slice(1, -1);
  const base64 = [0, 1, 2].map((shift) => alignedBase64(bytes, shift));
  return [
    value,
    json,
    json.replaceAll("/", "\\/"),
    encodeURIComponent(value.toWellFormed()),
    encodeURIComponent(value.toWellFormed()).replaceAll("%20", "+"),
    percent,
    percent.toUpperCase(),
    hex,
    hex.toUpperCase(),
    ...base64,
    ...base64.map((form) => form.replaceAll("+", "-").replaceAll("/", "_")),
  ].filter((form) => form.length >= leastForm);
}

/** The base64 that a value has whatever stands before and after it, when it begins `shift` bytes into a group of three. */
function alignedBase64(bytes: Buffer, shift: number): string {
  const text = Buffer.concat([Buffer.alloc(shift), bytes])
    .toString("base64")
    .replace(/=+$/, "");
  const from = shift === 0 ? 0 : shift + 1;
  const whole = Math.floor(((shift + bytes.length) * 8) / 6);
  return text.slice(from, whole);
}
