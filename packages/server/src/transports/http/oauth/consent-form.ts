import type { Approval, PendingLogin, Reach } from "./authorization.ts";

const hour = 3_600_000;

/** How long a grant may last, as the form offers it; the default is marked there. */
export const lifetimes: ReadonlyMap<string, { readonly label: string; readonly ms: number | null }> = new Map([
  ["1h", { label: "one hour", ms: hour }],
  ["1d", { label: "one day", ms: 24 * hour }],
  ["7d", { label: "a week", ms: 7 * 24 * hour }],
  ["30d", { label: "30 days", ms: 30 * 24 * hour }],
  ["90d", { label: "90 days", ms: 90 * 24 * hour }],
  ["1y", { label: "a year", ms: 365 * 24 * hour }],
  ["never", { label: "until I withdraw it", ms: null }],
]);
export const defaultLifetime = "30d";

/** What stands in the form when it is shown: as the owner left it, or as it is proposed. */
export interface Choice {
  readonly subject: string;
  readonly name: string;
  readonly lifetime: string;
  /** Undefined when nothing has been chosen: then every tool that only reads is. */
  readonly tools?: readonly string[];
  /** What is wrong with it. */
  readonly fault?: string;
}

/** Reads a posted form into what is granted, or into the form as it has to be shown again. */
export function readChoice(
  form: URLSearchParams,
  { scopes }: PendingLogin,
  reach: Reach,
): { readonly approval: Approval; readonly lifetime: string } | { readonly again: Choice } {
  const subject = (form.get("subject") ?? "").trim();
  const name = (form.get("name") ?? "").trim();
  const lifetime = form.get("lifetime") ?? "";
  const span = lifetimes.get(lifetime);
  const asked = { subject, name, lifetime: span ? lifetime : defaultLifetime };
  if (!/^[\w.@:+/-]{1,128}$/.test(subject))
    return { again: { ...asked, fault: "A subject is letters, digits and . _ @ : + / - only, such as duck@home." } };
  if (!/^[\w.@:+-]{1,58}$/.test(name))
    return { again: { ...asked, fault: "The name is letters, digits and . _ @ : + - only." } };
  // What is granted is what was shown: another subject reaches other things.
  if (form.get("decision") !== "allow" || form.get("shown") !== subject)
    return form.get("decision") === "allow"
      ? { again: { ...asked, fault: `This is what ${subject} reaches. Look at it, then allow it.` } }
      : { again: asked };
  const open = reach.tools.filter(({ scope }) => scopes.includes(scope));
  const chosen = open.filter((tool) => form.getAll("tool").includes(tool.name));
  const tools = chosen.map((tool) => tool.name);
  if (!span) return { again: { ...asked, tools, fault: "Choose how long it lasts." } };
  if (tools.length === 0) return { again: { ...asked, tools, fault: "Choose at least one tool, or refuse." } };
  const granted = scopes.filter((scope) => chosen.some((tool) => tool.scope === scope));
  return { approval: { name, subject, tools, scopes: granted, lifetime: span.ms }, lifetime };
}
