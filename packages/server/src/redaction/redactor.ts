import { Budget } from "./budget.ts";
import { createCleanTexts } from "./clean-texts.ts";
import { createDetector } from "./detector.ts";
import { isCalmName, judgeField } from "./field-value.ts";
import { findPatterns } from "./find-patterns.ts";
import { joinItems, shownText, withShownText } from "./joined-items.ts";
import type { KnownSecret } from "./known-secrets.ts";
import { applyMasks, type Finding, toMask, withheld } from "./mask.ts";
import { toPage } from "./page.ts";
import type { CompiledPatterns } from "./patterns.ts";
import { createScrubThreads } from "./scrub-threads.ts";
import { weighName } from "./secret-names.ts";

export type { KnownSecret } from "./known-secrets.ts";
export type { CompiledPatterns } from "./patterns.ts";

export interface Scrubbed<T = unknown> {
  /** The same value, by reference, when nothing in it was masked. */
  readonly value: T;
  /** How many secrets of each kind were masked. */
  readonly masked: Readonly<Record<string, number>>;
}

/** Masks secrets in whatever leaves the server. */
export interface Redactor {
  /**
   * Masks every string and every key of a JSON value, with the patterns of the owner and those in `extra`. Never throws: what cannot be
   * judged (too deep, too costly) is withheld. Scrubbing twice changes nothing more.
   */
  scrub(value: unknown, extra?: CompiledPatterns): Scrubbed;
  scrubText(text: string, extra?: CompiledPatterns): Scrubbed<string>;
  /**
   * As `scrub`, for what may be large: what would hold up other calls is scrubbed in a thread. Rejects with `Withheld` when that does not
   * end in time.
   */
  scrubApart(value: unknown, extra?: CompiledPatterns): Promise<Scrubbed>;
  /** Where secrets stand in a text; undefined when it cannot be told within the budget. */
  find(text: string, extra?: CompiledPatterns): readonly Finding[] | undefined;
  /** Looks for these credentials from now on, beside those it knew already: one that was replaced is no less secret. */
  know(secrets: readonly KnownSecret[]): void;
  /** Ends the threads. */
  close(): Promise<void>;
}

export interface RedactorOptions {
  readonly patterns?: CompiledPatterns;
  /** Credentials that are masked wherever they turn up, plain or encoded. */
  readonly secrets?: readonly KnownSecret[];
  /** Whether it runs in a thread of its own, where a message may cost more. */
  readonly apart?: boolean;
}

/** What one message may cost between two calls: some hundredths of a second of the worst that a text can be made to cost. */
const unitsBetween = 1_000_000;
/** What one message may cost in a thread: 5 MB of clean text cost a sixth of it. */
const unitsApart = 40_000_000;
/** What short strings may still cost when a long one has used that up: keys and small fields are not withheld for its sake. */
const reservedShare = 8;
/** Longer messages are scrubbed in a thread at once. */
const longestBetween = 32_768;
const short = 256;
const deepest = 192;
/** How many credentials are looked for at most; of more, the last. */
const mostKnown = 10_000;
const none: readonly Finding[] = [];
/** A mask changes what its neighbours stand beside, so a masked text is looked at again, this often at most. */
const rounds = 5;

export function createRedactor({ patterns, secrets = [], apart = false }: RedactorOptions = {}): Redactor {
  const units = apart ? unitsApart : unitsBetween;
  const sources = (set: CompiledPatterns | undefined): string[] => set?.patterns.map(({ source }) => source) ?? [];
  let known = secrets;
  let threads = createScrubThreads({ patterns: sources(patterns), secrets });
  let detect = createDetector(secrets);
  let cleanTexts = { calm: createCleanTexts(), plain: createCleanTexts() };

  function begin(extra: CompiledPatterns | undefined): Find {
    const sets = [patterns, extra].filter((set) => set !== undefined && set.patterns.length > 0) as CompiledPatterns[];
    const whole = new Budget(units);
    const reserve = new Budget(units / reservedShare);
    const find = (text: string, calm: boolean, budget: Budget): readonly Finding[] => {
      const findings = detect(toPage(text), { budget, calm });
      return sets.length === 0 ? findings : [...findPatterns(text, sets, budget), ...findings];
    };
    const look = (text: string, calm: boolean): readonly Finding[] => {
      if (text.length > short) return find(text, calm, whole);
      try {
        return find(text, calm, whole);
      } catch {
        return find(text, calm, reserve);
      }
    };
    // Further patterns judge by more than what was remembered.
    if (extra) return look;
    return (text, calm) => {
      const clean = calm ? cleanTexts.calm : cleanTexts.plain;
      if (clean.has(text)) return none;
      const findings = look(text, calm);
      if (findings.length === 0) clean.add(text);
      return findings;
    };
  }

  return {
    scrub,
    scrubText(text, extra) {
      const walk = new Walk(begin(extra));
      return { value: walk.text(text, false), masked: walk.masked };
    },
    async scrubApart(value, extra) {
      if (measureText(value, longestBetween) > 0) {
        const scrubbed = scrub(value, extra);
        if (scrubbed.masked[withheld] === undefined) return scrubbed;
      }
      return threads.scrub({ value, extra: sources(extra) });
    },
    find(text, extra) {
      try {
        return begin(extra)(text, false);
      } catch {
        return undefined;
      }
    },
    know(added) {
      const values = new Set(known.map(({ value }) => value));
      const fresh = added.filter(({ value }) => !values.has(value));
      if (fresh.length === 0) return;
      known = [...known, ...fresh].slice(-mostKnown);
      detect = createDetector(known);
      cleanTexts = { calm: createCleanTexts(), plain: createCleanTexts() };
      threads.retire();
      threads = createScrubThreads({ patterns: sources(patterns), secrets: known });
    },
    close: () => threads.close(),
  };

  function scrub(value: unknown, extra?: CompiledPatterns): Scrubbed {
    const masked: Record<string, number> = {};
    const find = begin(extra);
    let scrubbed = value;
    // A masked item stands otherwise beside its neighbours than before: until nothing more is found, it is looked at again.
    for (let round = 0; round < rounds; round++) {
      const walk = new Walk(find);
      const next = walk.value(scrubbed, "", 0);
      if (next === scrubbed) return { value: scrubbed, masked };
      for (const [kind, count] of Object.entries(walk.masked)) masked[kind] = (masked[kind] ?? 0) + count;
      scrubbed = next;
    }
    return { value: toMask(withheld), masked: { ...masked, [withheld]: 1 } };
  }
}

/** What is left of `room` when the characters of a value and its places are taken off; it stops when none is left. */
function measureText(value: unknown, room: number, depth = 0): number {
  if (typeof value === "string") return room - value.length;
  if (typeof value !== "object" || value === null) return room - 8;
  if (depth > deepest) return 0;
  let left = room;
  const holder = value as Readonly<Record<string, unknown>>;
  for (const key in holder) {
    if (left <= 0) return 0;
    left = measureText(holder[key], left - key.length, depth + 1);
  }
  return left;
}

type Find = (text: string, calm: boolean) => readonly Finding[];

/** One message's way through the detectors. */
class Walk {
  readonly masked: Record<string, number> = {};
  readonly #find: Find;

  constructor(find: Find) {
    this.#find = find;
  }

  /** `name` is the field that the value stands in. */
  value(value: unknown, name: string, depth: number): unknown {
    if (typeof value === "string") return this.#field(value, name);
    if (typeof value !== "object" || value === null) return value;
    if (depth > deepest) return this.#withhold();
    try {
      return Array.isArray(value) ? this.#array(value, name, depth) : this.#object(value, name, depth);
    } catch {
      return this.#withhold();
    }
  }

  text(text: string, calm: boolean): string {
    if (text.length < 4) return text;
    let scrubbed = text;
    try {
      for (let round = 0; round < rounds; round++) {
        const findings = this.#find(scrubbed, calm);
        if (findings.length === 0) return scrubbed;
        const next = applyMasks(scrubbed, findings, this.masked);
        if (next === scrubbed) return scrubbed;
        scrubbed = next;
      }
    } catch {
      // Out of budget, or a fault of ours: in both cases nothing is known of the text.
    }
    return this.#withhold();
  }

  #field(value: string, name: string): string {
    if (name === "") return this.text(value, false);
    let kind = judgeField(name, value);
    if (kind === undefined) {
      const scrubbed = this.text(value, isCalmName(name));
      // What a mask has left over is judged by the field's name as well.
      if (scrubbed !== value) kind = judgeField(name, scrubbed);
      if (kind === undefined) return scrubbed;
    }
    this.#count(kind);
    return toMask(kind);
  }

  #object(value: object, name: string, depth: number): unknown {
    const holder = value as Readonly<Record<string, unknown>>;
    const keys = Object.keys(holder);
    const called = calledName(holder);
    let changed: [string, unknown][] | undefined;
    for (let at = 0; at < keys.length; at++) {
      const key = keys[at] ?? "";
      const inner = holder[key];
      const scrubbedKey = this.text(key, false);
      const scrubbed = this.value(inner, fieldName(scrubbedKey, { called, name }), depth + 1);
      if (changed === undefined) {
        if (scrubbed === inner && scrubbedKey === key) continue;
        changed = keys.slice(0, at).map((before) => [before, holder[before]]);
      }
      changed.push([scrubbedKey, scrubbed]);
    }
    return changed === undefined ? value : Object.fromEntries(apart(changed));
  }

  #array(items: readonly unknown[], name: string, depth: number): unknown {
    const joined = items.length > 1 ? this.#across(items) : items;
    let changed: unknown[] | undefined;
    let before: unknown;
    for (let at = 0; at < joined.length; at++) {
      const item = joined[at];
      // `["--token", "…"]`: an option's value is the next item.
      const option = typeof before === "string" && /^--?[A-Za-z][\w-]*$/.test(before) ? before : "";
      const scrubbed = this.value(
        item,
        option !== "" && weighName(option).weight !== "hint" ? option : name,
        depth + 1,
      );
      if (scrubbed !== item) {
        changed ??= [...joined];
        changed[at] = scrubbed;
      }
      before = item;
    }
    return changed ?? joined;
  }

  /** Masks the secrets that run from one item into the next. */
  #across(items: readonly unknown[]): readonly unknown[] {
    const joined = joinItems(items);
    if (!joined) return items;
    let findings: readonly Finding[];
    try {
      // In a list of words without blanks, pieces that are random together are ids.
      findings = this.#find(joined.text, !/\s/.test(joined.text));
    } catch {
      return items.map((item) => (shownText(item) === undefined ? item : withShownText(item, this.#withhold())));
    }
    let changed: unknown[] | undefined;
    for (const { index, start, end } of joined.pieces) {
      const inside = findings
        .filter((finding) => finding.start < end && finding.end > start && (finding.start < start || finding.end > end))
        .map((finding) => ({
          start: Math.max(0, finding.start - start),
          end: Math.min(end, finding.end) - start,
          kind: finding.kind,
        }));
      if (inside.length === 0) continue;
      const text = joined.text.slice(start, end);
      const scrubbed = applyMasks(text, inside, this.masked);
      if (scrubbed === text) continue;
      changed ??= [...items];
      changed[index] = withShownText(items[index], scrubbed);
    }
    return changed ?? items;
  }

  #withhold(): string {
    this.#count(withheld);
    return toMask(withheld);
  }

  #count(kind: string): void {
    this.masked[kind] = (this.masked[kind] ?? 0) + 1;
  }
}

/** The name that `{name: "API_KEY", value: "…"}` gives to its value. */
function calledName(holder: Readonly<Record<string, unknown>>): string {
  if (!("value" in holder)) return "";
  for (const key of ["name", "key", "header"]) {
    const called = holder[key];
    if (typeof called === "string" && /^[\w.\- ]{1,64}$/.test(called)) return called;
  }
  return "";
}

const inheriting = new Set(["default", "const", "example", "examples", "enum"]);

/** The name by which a field's value is judged: a schema's default is judged by the property's name. */
function fieldName(key: string, { called, name }: { called: string; name: string }): string {
  if (key === "value" && called !== "") return called;
  return inheriting.has(key) && name !== "" ? name : key;
}

/** Keeps keys apart that are masked alike. */
function apart(entries: readonly [string, unknown][]): [string, unknown][] {
  const seen = new Set<string>();
  return entries.map(([key, value]) => {
    let unique = key;
    for (let count = 2; seen.has(unique); count++) unique = `${key} ${count}`;
    seen.add(unique);
    return [unique, value];
  });
}
