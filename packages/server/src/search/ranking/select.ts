import type { Catalog } from "../catalog.ts";
import type { Evaluation } from "./evaluate.ts";
import { countLinks } from "./links.ts";
import { nearness } from "./proximity.ts";
import { scoreAbout, scoreText, withScores } from "./score.ts";
import { createTop } from "./top.ts";
import type { Visible } from "./visible.ts";

/** A passage by its document and its place in it. */
export interface Ranked {
  readonly document: number;
  readonly place: number;
  readonly score: number;
}

export interface Selection {
  readonly catalog: Catalog;
  readonly visible: Visible;
  readonly evaluation: Evaluation;
  /** Whether a document meets the other conditions. */
  readonly admits: (document: number) => boolean;
  readonly limit: number;
  readonly per: "document" | "passage";
  /** The text of a passage. */
  readonly textOf: (document: number, place: number) => string;
}

/** What a document's names count beside its text; what its second and third best passage add to the best, and each doubling of links to it. */
const weights = { about: 0.45, second: 0.3, third: 0.1, link: 0.02 } as const;
/** How many of the best are looked at for words near each other. */
const looked = 50;

interface Candidate {
  readonly document: number;
  /** Its best passages, the best first. */
  readonly passages: readonly { readonly place: number; readonly score: number }[];
  readonly about: number;
  readonly score: number;
}

/** The best passages, or documents by their best passages, the best first. Equal scores: the latest, then by path. */
export function select(selection: Selection): readonly Ranked[] {
  const { catalog, visible, evaluation, per, limit } = selection;
  const about = scoreAbout(evaluation.found, visible, (id) => catalog.entry(id)?.about ?? 0);
  for (const [id, score] of about) about.set(id, weights.about * score);
  const candidates = withScores(catalog.segments, (scores) => {
    scoreText(scores, evaluation.found, visible);
    const best = createTop<Candidate>(
      Math.max(limit, looked) + 10,
      (a, b) => b.score - a.score || inOrder(catalog, a, b),
    );
    let least = 0;
    const add = (candidate: Candidate): void => {
      const { document } = candidate;
      if (!best.takes(candidate) || !evaluation.fits(document) || !selection.admits(document)) return;
      best.add(candidate);
      least = best.last()?.score ?? 0;
    };
    let mostNamed = 0;
    for (const named of about.values()) mostNamed = Math.max(mostNamed, named);
    for (const [segment, room] of scores) {
      const { documents } = segment;
      for (let at = 0; at < room.length; at++) {
        if (room[at] === 0) continue;
        const document = documents[at] as number;
        // A document's passages stand together.
        const from = at;
        let [first, second, third] = [0, 0, 0];
        for (; at < room.length && documents[at] === document; at++) {
          const score = room[at] as number;
          if (score > first) [first, second, third] = [score, first, second];
          else if (score > second) [second, third] = [score, second];
          else if (score > third) third = score;
        }
        const text = first + weights.second * second + weights.third * third;
        if (text + mostNamed < least - tiny) {
          at--;
          continue;
        }
        const named = about.get(document) ?? 0;
        if (named > 0) about.delete(document);
        if (text + named >= least - tiny)
          add(toCandidate(document, passagesIn(room, documents, { from, to: at }), named));
        at--;
      }
    }
    for (const [document, named] of about) add(toCandidate(document, [], named));
    return best.all();
  });
  const refined = raiseLinked(refine(candidates, selection), selection);
  return per === "document" ? documentsOf(refined, catalog, limit) : passagesOf(refined, catalog, limit);
}

/** Below what rounding can make of a score. */
const tiny = 1e-3;

function passagesIn(room: Float32Array, documents: Uint32Array, { from, to }: { from: number; to: number }) {
  let start = from;
  while (start > 0 && documents[start - 1] === documents[from]) start--;
  const passages: { place: number; score: number }[] = [];
  for (let at = from; at < to; at++)
    if ((room[at] as number) > 0) passages.push({ place: at - start, score: room[at] as number });
  return passages;
}

function toCandidate(document: number, passages: { place: number; score: number }[], about: number): Candidate {
  passages.sort((a, b) => b.score - a.score || a.place - b.place);
  const [first, second, third] = passages;
  const text = (first?.score ?? 0) + weights.second * (second?.score ?? 0) + weights.third * (third?.score ?? 0);
  return { document, passages, about, score: text + about };
}

/** Adds what words near each other count, in the best passages of the best documents. */
function refine(candidates: readonly Candidate[], { evaluation, textOf, catalog }: Selection): readonly Candidate[] {
  if (evaluation.asked.length < 2) return candidates;
  const all = candidates.flatMap(({ document, passages }) =>
    passages.slice(0, 5).map(({ place, score }) => ({ document, place, score })),
  );
  const best = all.sort((a, b) => b.score - a.score || inOrder(catalog, a, b) || a.place - b.place).slice(0, looked);
  const gains = new Map<string, number>();
  for (const { document, place } of best) {
    const language = catalog.entry(document)?.language ?? "";
    gains.set(`${document} ${place}`, nearness(textOf(document, place), evaluation.asked, language));
  }
  return candidates.map(({ document, passages, about }) =>
    toCandidate(
      document,
      passages.map(({ place, score }) => ({ place, score: score + (gains.get(`${document} ${place}`) ?? 0) })),
      about,
    ),
  );
}

/** Adds what links from other documents count: a document that many visible ones lead to is more likely what is meant than one as good that none does. */
function raiseLinked(candidates: readonly Candidate[], { catalog, visible }: Selection): readonly Candidate[] {
  const tables = catalog.links.filter(({ hashes }) => hashes.length > 0);
  if (tables.length === 0) return candidates;
  return candidates.map((candidate) => {
    const { document, passages, score, about } = candidate;
    const entry = catalog.entry(document);
    if (entry?.part !== "") return candidate;
    const links = countLinks(tables, { path: entry.path, document, mask: visible.mask });
    if (links === 0) return candidate;
    const raise = weights.link * Math.log2(1 + links) * score;
    return { document, passages, about: about + raise, score: score + raise };
  });
}

const documentsOf = (candidates: readonly Candidate[], catalog: Catalog, limit: number): readonly Ranked[] =>
  [...candidates]
    .sort((a, b) => b.score - a.score || inOrder(catalog, a, b))
    .slice(0, limit)
    .map(({ document, passages: [first], score }) => ({ document, place: first?.place ?? 0, score }));

const passagesOf = (candidates: readonly Candidate[], catalog: Catalog, limit: number): readonly Ranked[] =>
  candidates
    .flatMap(({ document, passages, about }) =>
      (passages.length > 0 ? passages : [{ place: 0, score: 0 }]).map(({ place, score }) => ({
        document,
        place,
        score: score + about,
      })),
    )
    .sort((a, b) => b.score - a.score || inOrder(catalog, a, b) || a.place - b.place)
    .slice(0, limit);

/** By what a caller can see: ids would tell what else has come in between. */
function inOrder(catalog: Catalog, a: { readonly document: number }, b: { readonly document: number }): number {
  const [one, other] = [catalog.entry(a.document), catalog.entry(b.document)];
  if (!one || !other || one === other) return 0;
  if (one.time !== other.time) return other.time - one.time;
  const [left, right] = [`${one.source}/${one.path}\0${one.part}`, `${other.source}/${other.path}\0${other.part}`];
  return left < right ? -1 : left > right ? 1 : 0;
}
