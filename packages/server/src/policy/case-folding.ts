import { matchSegment, type Segment, toSegment } from "./glob.ts";

/**
 * Paths where letter case does not count, as their file systems have it. There a rule that says `secret` is about `SECRET` too: both are one file. Each
 * character is folded to one other, so that wildcards for one character stay true.
 */

/** A folder below which case does not count, by its segments. */
export type CaselessRoot = readonly string[];

export const foldText = (text: string): string => {
  // What is plain ASCII, as most names are, needs no look at each letter.
  if (/^[\0-\x7f]*$/.test(text)) return text.toLowerCase();
  let folded = "";
  for (const character of text) folded += foldCharacter(character);
  return folded;
};

function foldCharacter(character: string): string {
  const upper = character.toUpperCase();
  const middle = isOne(upper) ? upper : character;
  const lower = middle.toLowerCase();
  return isOne(lower) ? lower : middle;
}

const isOne = (text: string): boolean =>
  text.length === 1 || (text.length === 2 && (text.codePointAt(0) ?? 0) > 0xff_ff);

export const foldGlob = (glob: readonly Segment[]): readonly Segment[] =>
  glob.map((segment) => {
    if (segment.kind === "globstar") return segment;
    if (segment.kind === "literal") return { kind: "literal", text: foldText(segment.text) };
    return toSegment(segment.tokens.map((token) => (token < 0 ? token : foldPoint(token))));
  });

const foldPoint = (point: number): number => foldCharacter(String.fromCodePoint(point)).codePointAt(0) ?? point;

/** The caseless folder that a path lies in; undefined when there is none. The folder's own name has to be spelled as it is. */
export function rootOf(roots: readonly CaselessRoot[], path: readonly string[]): CaselessRoot | undefined {
  return roots.find((root) => root.length <= path.length && root.every((segment, index) => segment === path[index]));
}

/** Whether a glob leads to a folder by the spelling of its name: beside it another may stand that differs in case alone. */
export function leadsTo(glob: readonly Segment[], root: CaselessRoot): boolean {
  for (const [index, name] of root.entries()) {
    const segment = glob[index];
    if (segment?.kind === "globstar") return true;
    if (segment === undefined || !matchSegment(segment, name)) return false;
  }
  return true;
}
