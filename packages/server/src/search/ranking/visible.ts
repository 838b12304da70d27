import type { DocumentEntry } from "../../stores/store.ts";
import type { Catalog } from "../catalog.ts";
import { createPace } from "../pace.ts";
import type { Language } from "../text/language.ts";

/**
 * The documents that a caller may see, and what the ranking counts of them. Nothing of the others enters it: rarity and usual lengths taken over
 * the whole index would let a caller learn from scores and order which words hidden documents hold.
 */
export interface Visible {
  has(id: number): boolean;
  /** 1 at the id of each; ids at or above its length are not visible. */
  readonly mask: Uint8Array;
  readonly documents: number;
  readonly passages: number;
  readonly words: number;
  /** Words of their names. */
  readonly about: number;
  readonly languages: ReadonlyMap<Language, number>;
}

interface Kept extends Visible {
  mask: Uint8Array;
  documents: number;
  passages: number;
  words: number;
  about: number;
  languages: Map<Language, number>;
  /** Ids below have been judged. */
  end: number;
  departed: readonly DocumentEntry[];
  left: number;
  working: Promise<void>;
}

export interface Visibility {
  /** `view` stands for `allows`: under the same object it is asked once a document. */
  of(view: object, allows: (entry: DocumentEntry) => boolean): Promise<Visible>;
}

export function createVisibility(catalog: Catalog): Visibility {
  const views = new WeakMap<object, Kept>();

  const begin = (kept: Kept): void => {
    Object.assign(kept, { mask: new Uint8Array(catalog.end), documents: 0, passages: 0, words: 0, about: 0 });
    kept.languages = new Map();
    kept.end = 0;
    kept.departed = catalog.departed;
    kept.left = catalog.departed.length;
  };

  const count = (kept: Kept, { language, passages, words, about }: DocumentEntry, by: 1 | -1): void => {
    kept.documents += by;
    kept.passages += by * passages;
    kept.words += by * words;
    kept.about += by * about;
    kept.languages.set(language, (kept.languages.get(language) ?? 0) + by);
  };

  async function bringUp(kept: Kept, allows: (entry: DocumentEntry) => boolean): Promise<void> {
    const pace = createPace();
    if (kept.departed !== catalog.departed) begin(kept);
    for (; kept.left < kept.departed.length; kept.left++) {
      const gone = kept.departed[kept.left] as DocumentEntry;
      if (kept.mask[gone.id] !== 1) continue;
      kept.mask[gone.id] = 0;
      count(kept, gone, -1);
    }
    // What a call under way has found goes on with the mask that it began with.
    if (kept.mask.length < catalog.end) {
      const grown = new Uint8Array(Math.ceil(catalog.end * 1.2) + 64);
      grown.set(kept.mask);
      kept.mask = grown;
    }
    let judged: { readonly path: string; readonly source: string; readonly allowed: boolean } | undefined;
    for (; kept.end < catalog.end; kept.end++) {
      const entry = catalog.entry(kept.end);
      if (!entry) continue;
      // A file's documents follow each other.
      if (judged?.path !== entry.path || judged.source !== entry.source)
        judged = { path: entry.path, source: entry.source, allowed: allows(entry) };
      if (judged.allowed) {
        kept.mask[entry.id] = 1;
        count(kept, entry, 1);
      }
      await pace();
      if (kept.departed !== catalog.departed) return bringUp(kept, allows);
    }
  }

  return {
    async of(view, allows) {
      let kept = views.get(view);
      if (!kept) {
        kept = {
          has: (id) => kept?.mask[id] === 1,
          mask: new Uint8Array(0),
          documents: 0,
          passages: 0,
          words: 0,
          about: 0,
          languages: new Map(),
          end: 0,
          departed: [],
          left: 0,
          working: Promise.resolve(),
        };
        views.set(view, kept);
      }
      const { end, departed, left } = kept;
      if (end < catalog.end || departed !== catalog.departed || left < departed.length) {
        const own = kept;
        kept.working = kept.working.catch(() => {}).then(() => bringUp(own, allows));
        await kept.working;
      }
      return kept;
    },
  };
}
