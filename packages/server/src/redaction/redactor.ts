import { type CleanTexts, createCleanTexts } from "./clean-texts.ts";
import { findSecrets, type Search } from "./find-secrets.ts";
import { findAcross } from "./joined-items.ts";
import { createKnownSecrets, type KnownSecret, type KnownSecrets } from "./known-secrets.ts";
import { isPlaceholder, isRandom, lookAt } from "./look.ts";
import { judgeName, type NameKind } from "./names.ts";
import type { CompiledPatterns } from "./patterns.ts";
import { applyMasks, isMask, mergeSpans, outsideMasks, type Span, toMask, withheld } from "./spans.ts";
import { type Budget, BudgetSpent, createBudget } from "./work-budget.ts";

export type { KnownSecret } from "./known-secrets.ts";
export type { CompiledPatterns } from "./patterns.ts";

export interface Scrubbed {
  /** The very value that came in when nothing was masked; otherwise a copy of the same shape. */
  readonly value: unknown;
  /** How many secrets of each kind were masked. */
  readonly masked: Readonly<Record<string, number>>;
}

/** Masks the secrets in what leaves the server. */
export interface Redactor {
  /**
   * Scrubs every string and every key of a JSON value, with the built-in rules, the owner's patterns and `extra`.
   * Never throws. What would cost too much to look at is withheld, not passed. Scrubbing twice changes nothing more.
   */
  scrub(value: unknown, extra?: CompiledPatterns): Scrubbed;
}

export interface RedactorOptions {
  readonly patterns?: CompiledPatterns;
  /** Secrets that the server holds, masked wherever and however they are written. Values under six characters are not. */
  readonly secrets?: readonly KnownSecret[];
}

const maxDepth = 200;
const maxRounds = 3;
const shortText = 256;
const clean: Readonly<Record<string, number>> = Object.freeze({});

export function createRedactor({ patterns, secrets = [] }: RedactorOptions = {}): Redactor {
  const known = createKnownSecrets(secrets);
  const cleanTexts = { chance: createCleanTexts(), exact: createCleanTexts() };
  return {
    scrub(value, extra) {
      const all = [patterns, extra].filter((some) => some !== undefined).filter(({ matchers }) => matchers.length > 0);
      const counts = new Map<string, number>();
      let scrubbed = value;
      // A mask changes what its neighbours stand beside, so rounds go on until one finds nothing.
      for (let round = 0; ; round++) {
        const next = new Walker({
          known,
          patterns: all,
          budget: createBudget(),
          counts,
          clean: extra ? undefined : cleanTexts,
        }).walk(scrubbed, "", 0);
        if (next === scrubbed) break;
        scrubbed = next;
        if (round === maxRounds) {
          counts.set(withheld, (counts.get(withheld) ?? 0) + 1);
          return { value: toMask(withheld), masked: Object.fromEntries(counts) };
        }
      }
      return counts.size === 0 ? { value, masked: clean } : { value: scrubbed, masked: Object.fromEntries(counts) };
    },
  };
}

interface WalkerParts {
  readonly known: KnownSecrets | undefined;
  readonly patterns: readonly CompiledPatterns[];
  readonly budget: Budget;
  readonly counts: Map<string, number>;
  /** What was found clean before; undefined where further patterns judge too. */
  readonly clean: { readonly chance: CleanTexts; readonly exact: CleanTexts } | undefined;
}

const named = ["name", "key", "header", "field", "label"] as const;
const flag = /^--?[\w-]*(?:password|passwd|token|secret|api-?key|access-?key|private-?key)$/i;

/** One message's walk: holds its budget and its counts. */
class Walker {
  readonly #parts: WalkerParts;
  readonly #plain: Search;
  readonly #quiet: Search;

  constructor(parts: WalkerParts) {
    this.#parts = parts;
    const { known, patterns, budget } = parts;
    this.#plain = { known, patterns, budget, strictness: "chance" };
    this.#quiet = { known, patterns, budget, strictness: "exact" };
  }

  /** The value scrubbed, or the same value when it is clean. `name` is the field that it stands in. */
  walk(value: unknown, name: string, depth: number): unknown {
    if (typeof value === "string") return this.#scrubField(value, name);
    if (typeof value !== "object" || value === null) return value;
    if (depth > maxDepth) return this.#withhold();
    return Array.isArray(value) ? this.#walkArray(value, name, depth) : this.#walkObject(value, depth);
  }

  #walkObject(value: object, depth: number): unknown {
    const fields = value as Readonly<Record<string, unknown>>;
    const said = nameOf(fields);
    let copy: [string, unknown][] | undefined;
    const keys = Object.keys(fields);
    for (const [index, key] of keys.entries()) {
      const inner = fields[key];
      const scrubbedKey = this.#scrubText(key, judgeName(key) === "plain" ? this.#plain : this.#quiet);
      const scrubbed = this.walk(inner, said !== undefined && key === "value" ? said : key, depth + 1);
      if (copy === undefined && scrubbedKey === key && scrubbed === inner) continue;
      copy ??= keys.slice(0, index).map((before) => [before, fields[before]]);
      copy.push([scrubbedKey, scrubbed]);
    }
    return copy === undefined ? value : Object.fromEntries(apart(copy));
  }

  #walkArray(items: readonly unknown[], name: string, depth: number): unknown {
    // Before the items one by one: a part's own mask would hide from the whole what it belongs to.
    const joined =
      items.length < 2
        ? undefined
        : this.#guard(
            () => findAcross(items, this.#quiet, (kind) => this.#count(kind)),
            () => items.map(() => this.#withhold()),
          );
    const whole = joined ?? items;
    let copy: unknown[] | undefined = joined;
    let last: unknown;
    for (const [index, item] of whole.entries()) {
      const flagged = typeof last === "string" && typeof item === "string" && flag.test(last);
      const scrubbed = this.walk(item, flagged ? "password" : name, depth + 1);
      last = item;
      if (scrubbed === item) continue;
      copy ??= [...items];
      copy[index] = scrubbed;
    }
    return copy ?? items;
  }

  #scrubField(text: string, name: string): string {
    const kind = name === "" ? "plain" : judgeName(name);
    if (kind !== "plain" && isCredential(text, kind)) {
      this.#count("field");
      return toMask("field");
    }
    return this.#scrubText(text, kind === "quiet" ? this.#quiet : this.#plain);
  }

  #scrubText(text: string, search: Search): string {
    const clean = search === this.#plain ? this.#parts.clean?.chance : this.#parts.clean?.exact;
    if (clean?.has(text)) return text;
    const scrubbed = this.#look(text, search);
    if (scrubbed === text) clean?.add(text);
    return scrubbed;
  }

  #look(text: string, search: Search): string {
    return this.#guard(
      () => this.#mask(text, search),
      // A costly string takes no keys and short neighbours with it: those cost next to nothing by themselves.
      () =>
        text.length > shortText
          ? this.#withhold()
          : this.#guard(
              () => this.#mask(text, { ...search, budget: createBudget() }),
              () => this.#withhold(),
            ),
    );
  }

  #mask(text: string, search: Search): string {
    const found = outsideMasks(text, findSecrets(text, search));
    if (found.length === 0) return text;
    const merged: readonly Span[] = mergeSpans(found);
    for (const { kind } of merged) this.#count(kind);
    return applyMasks(text, merged);
  }

  /** Runs what may spend the budget; whatever goes wrong there, the text is withheld and not passed. */
  #guard<T>(work: () => T, instead: () => T): T {
    try {
      return work();
    } catch (error) {
      if (error instanceof BudgetSpent || error instanceof Error) return instead();
      throw error;
    }
  }

  #withhold(): string {
    this.#count(withheld);
    return toMask(withheld);
  }

  #count(kind: string): void {
    this.#parts.counts.set(kind, (this.#parts.counts.get(kind) ?? 0) + 1);
  }
}

/** The name that an entry such as {name: "API_KEY", value: "..."} gives to its value. */
function nameOf(fields: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof fields.value !== "string") return undefined;
  for (const key of named) {
    const name = fields[key];
    if (typeof name === "string") return name;
  }
  return undefined;
}

/** Whether a field's value is masked for its name's sake. */
function isCredential(text: string, kind: NameKind): boolean {
  if (text.length < 4 || isMask(text)) return false;
  if (kind === "secret")
    return !isPlaceholder(text) && !/^(?:string|number|boolean|password|[A-Za-z]+(?: [A-Za-z,.'()-]+){2,})$/.test(text);
  if (kind !== "maybe" || text.length < 8 || /\s/.test(text) || isPlaceholder(text)) return false;
  const look = lookAt(text);
  return look.digits > 1 && look.uppers + look.lowers > 1 && (isRandom(look) || look.turns > 3);
}

/** Keeps keys apart that are masked alike. */
function apart(entries: readonly [string, unknown][]): [string, unknown][] {
  const seen = new Map<string, number>();
  return entries.map(([key, value]) => {
    const times = (seen.get(key) ?? 0) + 1;
    seen.set(key, times);
    return [times === 1 ? key : `${key} ${times}`, value];
  });
}
