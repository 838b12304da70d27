/** A heading of markdown, by the byte at which its line begins. */
export interface Heading {
  readonly at: number;
  readonly level: number;
  readonly text: string;
}

const mostText = 120;

/** What a heading's line says, or undefined when it is none. */
export function toHeading(line: string, at: number): Heading | undefined {
  const found = /^ {0,3}(#{1,6})\s+(\S.*)$/.exec(line.trimEnd());
  if (!found) return undefined;
  const text = (found[2] as string).replace(/\s+#+\s*$/, "").trim();
  return text === "" ? undefined : { at, level: (found[1] as string).length, text: text.slice(0, mostText) };
}

/** Tells under which headings a place stands; asked for places in order. */
export function createTrail(headings: readonly Heading[]): (start: number) => readonly Heading[] {
  let next = 0;
  let trail: Heading[] = [];
  return (start) => {
    for (; next < headings.length && (headings[next] as Heading).at <= start; next++) {
      const heading = headings[next] as Heading;
      trail = [...trail.filter(({ level }) => level < heading.level), heading];
    }
    return trail;
  };
}
