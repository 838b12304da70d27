/** Where a mark next stands at or behind a place, -1 if nowhere. Places asked about have to ascend for each mark. */
export type Ahead = (mark: string, from: number) => number;

/** Looks each mark up no more than once behind the last place: asking often costs one pass through the text. */
export function lookAhead(text: string): Ahead {
  const known = new Map<string, number>();
  return (mark, from) => {
    const last = known.get(mark);
    if (last !== undefined && (last < 0 || last >= from)) return last;
    const next = text.indexOf(mark, from);
    known.set(mark, next);
    return next;
  };
}

const backticks = /`+/g;

/**
 * Code spans (CommonMark 6.1) of a stretch of text: given where a run of backticks begins, answers where the span ends, or the run when no
 * other of its length follows. Reads the stretch once.
 */
export function codeSpans(text: string, start: number, end: number): (at: number) => number {
  const byLength = new Map<number, number[]>();
  const runs = text.slice(start, end).matchAll(backticks);
  for (const { 0: run, index } of runs) {
    const places = byLength.get(run.length);
    if (places) places.push(start + index);
    else byLength.set(run.length, [start + index]);
  }
  // The next one comes last, so that those passed are dropped at no cost.
  for (const places of byLength.values()) places.reverse();
  return (at) => {
    let after = at + 1;
    while (after < end && text.charCodeAt(after) === 96) after++;
    const places = byLength.get(after - at) ?? [];
    while ((places.at(-1) ?? end) < after) places.pop();
    const closing = places.at(-1);
    return closing === undefined ? after : closing + (after - at);
  };
}
