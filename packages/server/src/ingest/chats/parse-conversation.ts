/** As long as a text may be for one `JSON.parse` that does not hold up everybody else. */
const whole = 1 << 20;
/** So deep no export nests; what nests deeper is parsed at once. */
const deepest = 6;

/** What takes the members of a field as they are parsed, each with its name or place, so that they need not all be held as objects. */
export type Takers = Readonly<Record<string, (name: string, value: unknown) => void>>;

/**
 * `JSON.parse` of bytes in small steps, with `pace` between them. A field of the outermost object that `takers` name is left empty. Throws a
 * SyntaxError as `JSON.parse` does.
 */
export function parseConversation(
  bytes: Buffer,
  pace: () => Promise<void> | undefined,
  takers: Takers = {},
  atOnce = whole,
): Promise<unknown> {
  return parse(bytes, { pace, atOnce }, 0, takers);
}

interface Steps {
  readonly pace: () => Promise<void> | undefined;
  readonly atOnce: number;
}

async function parse(bytes: Buffer, steps: Steps, depth: number, takers?: Takers): Promise<unknown> {
  const open = firstNonBlank(bytes);
  const isList = bytes[open] === 0x5b;
  const small = bytes.length <= steps.atOnce && (takers === undefined || isList);
  if (small || depth >= deepest || (!isList && bytes[open] !== 0x7b)) return JSON.parse(bytes.toString("utf8"));
  const list: unknown[] = [];
  const record: Record<string, unknown> = {};
  for (const { key, value } of members(bytes, open)) {
    if (value === undefined) {
      await steps.pace();
      continue;
    }
    if (isList) list.push(await parse(value, steps, depth + 1));
    else {
      const name = nameOf(key);
      const take = takers !== undefined && Object.hasOwn(takers, name) ? takers[name] : undefined;
      const taken = take === undefined ? undefined : await takeMembers(value, steps, take);
      const rest = taken ?? (await parse(value, steps, depth + 1));
      Object.defineProperty(record, name, { value: rest, writable: true, enumerable: true, configurable: true });
    }
  }
  return isList ? list : record;
}

/** The empty object or list that stands for what was taken; undefined when the value has no members. */
async function takeMembers(bytes: Buffer, steps: Steps, take: Takers[string]): Promise<unknown> {
  const open = firstNonBlank(bytes);
  const isList = bytes[open] === 0x5b;
  if (!isList && bytes[open] !== 0x7b) return undefined;
  let index = 0;
  for (const { key, value } of members(bytes, open)) {
    if (value !== undefined) {
      const name = isList ? String(index++) : nameOf(key);
      const small = value.length <= steps.atOnce;
      take(name, small ? JSON.parse(value.toString("utf8")) : await parse(value, steps, 2));
    }
    const pause = steps.pace();
    if (pause !== undefined) await pause;
  }
  return isList ? [] : {};
}

function nameOf(key: Buffer | undefined): string {
  const name: unknown = JSON.parse(key?.toString("utf8") ?? "");
  if (typeof name !== "string") throw new SyntaxError("a member's name that is no string");
  return name;
}

interface Member {
  readonly key?: Buffer | undefined;
  /** Undefined of a pause. */
  readonly value: Buffer | undefined;
}

const stride = 1 << 20;

/** The members of the object or list that opens at `open`, unparsed, with pauses between them while they are looked for. */
function* members(bytes: Buffer, open: number): Generator<Member> {
  let depth = 1;
  let start = open + 1;
  let colon = -1;
  let count = 0;
  let paused = open;
  const isObject = bytes[open] === 0x7b;
  for (let i = open + 1; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === 0x22) {
      for (i++; i < bytes.length && bytes[i] !== 0x22; i++) if (bytes[i] === 0x5c) i++;
    } else if (byte === 0x7b || byte === 0x5b) depth++;
    else if (byte === 0x3a && depth === 1 && isObject && colon < 0) colon = i;
    else if (byte === 0x7d || byte === 0x5d || (byte === 0x2c && depth === 1)) {
      if (byte !== 0x2c) depth--;
      if (depth > (byte === 0x2c ? 1 : 0)) continue;
      const isEmpty = byte !== 0x2c && count === 0 && firstNonBlank(bytes, start) >= i;
      const from = Math.max(start, colon + 1);
      if (!isEmpty) yield { key: colon < 0 ? undefined : bytes.subarray(start, colon), value: bytes.subarray(from, i) };
      count++;
      start = i + 1;
      colon = -1;
      if (depth > 0) continue;
      if ((byte === 0x7d) !== isObject || firstNonBlank(bytes, start) < bytes.length) break;
      return;
    }
    if (i - paused > stride) {
      paused = i;
      yield { value: undefined };
    }
  }
  throw new SyntaxError("an object or list that does not end well");
}

function firstNonBlank(bytes: Buffer, from = 0): number {
  let at = from;
  while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) at++;
  return at;
}
