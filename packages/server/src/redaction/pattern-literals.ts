/**
 * Literals of which every match of a pattern contains at least one, without regard to case; undefined when none can be told. Only what is
 * plainly so is told: an alternation at the top or in a group that must occur, and runs of characters that are not repeated or optional.
 */
export function requiredLiterals(pattern: string): readonly string[] | undefined {
  const reader = new Reader(pattern.replace(/^\(\?[a-z]+\)/, ""));
  const best = reader.alternatives();
  if (!reader.done() || !best) return undefined;
  return best.every((literal) => literal.length >= 3) && best.length <= 32 ? best : undefined;
}

const quantifier = /(?:[*+?]|\{\d+(?:,\d*)?\})\??/y;
/** What the reader does not know: then nothing is told. */
const unknown = /\\[QpPxuCA-Z]|\[\[|\\\d/;

/** Reads a pattern of RE2 as far as it has to: sequences, groups, alternatives, classes and repetitions. */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = unknown.test(text.replaceAll("\\\\", "..")) || /\(\?[^:P<]/.test(text) ? "\\" : text;
  }

  done(): boolean {
    return this.#at >= this.#text.length;
  }

  alternatives(): readonly string[] | undefined {
    let all: string[] | undefined = [];
    for (;;) {
      const literals = this.#sequence();
      all = all && literals ? [...all, ...literals] : undefined;
      if (this.#text[this.#at] !== "|") return all;
      this.#at++;
    }
  }

  /** The best that one branch requires: the longest of its runs, or of its groups' alternatives. */
  #sequence(): readonly string[] | undefined {
    let best: readonly string[] | undefined;
    let run = "";
    const keep = (literals: readonly string[] | undefined): void => {
      if (literals && shortestOf(literals) > shortestOf(best)) best = literals;
    };
    while (!this.done() && !"|)".includes(this.#text.charAt(this.#at))) {
      const { literal, group } = this.#atom();
      const times = this.#repetition();
      if (literal !== undefined && times === "once") {
        run += literal;
        continue;
      }
      if (literal !== undefined && times === "some") run += literal;
      keep([run]);
      run = "";
      if (times !== "maybe") keep(group);
    }
    keep([run]);
    return shortestOf(best) > 0 ? best : undefined;
  }

  #atom(): { readonly literal?: string; readonly group?: readonly string[] | undefined } {
    const character = this.#text.charAt(this.#at++);
    if (character === "(") {
      const name = /^\?(?::|P?<\w+>)/.exec(this.#text.slice(this.#at));
      if (name) this.#at += name[0].length;
      const group = this.alternatives();
      if (this.#text[this.#at] !== ")") this.#at = Number.NaN;
      this.#at++;
      return { group };
    }
    if (character === "[") {
      const end = /^\^?\]?(?:\\[\s\S]|[^\]\\])*\]/.exec(this.#text.slice(this.#at));
      this.#at += end ? end[0].length : Number.NaN;
      return {};
    }
    if (character === "\\") {
      const escaped = this.#text.charAt(this.#at++);
      return /[^A-Za-z0-9]/.test(escaped) ? { literal: escaped } : {};
    }
    return "^$.".includes(character) ? {} : { literal: character };
  }

  #repetition(): "once" | "some" | "maybe" {
    quantifier.lastIndex = this.#at;
    const found = quantifier.exec(this.#text);
    if (!found) return "once";
    this.#at += found[0].length;
    return /^(?:[*?]|\{0)/.test(found[0]) ? "maybe" : "some";
  }
}

const shortestOf = (literals: readonly string[] | undefined): number =>
  literals ? Math.min(...literals.map(({ length }) => length)) : 0;
