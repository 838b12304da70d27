import { timeOf } from "./moment.ts";

interface Clock {
  /** Numbers as written, first to sixth, the hour in 24. */
  readonly parts: readonly [number, number, number];
  readonly yearFirst: boolean;
  readonly dotted: boolean;
  readonly halfDay: boolean;
  readonly ofDay: number;
}

const written =
  /(\d{1,4})([./-])(\d{1,2})[./-](\d{1,4})\.?(?:,?\s+(?:at|à|um)?\s*|T)(\d{1,2})[:.h](\d{2})(?:[:.](\d{2}))?(?:\s*([ap])\.?\s?m\b\.?)?/iu;

/**
 * Reads the times of a note's messages. They are written in the format and zone of whoever imported them, without saying which: both follow
 * from the frontmatter, which has the conversation's beginning in UTC, where that is there; else day and month are told by what all of the
 * note's times allow, and the zone is taken for UTC.
 */
export function createNoteClock(
  times: readonly string[],
  created: { readonly utc: string | undefined; readonly written: string | undefined },
): (text: string) => number | undefined {
  const clocks = times.map(readClock).filter((clock) => clock !== undefined);
  const began = created.written === undefined ? undefined : readClock(created.written);
  const utc = created.utc === undefined || !/^\d{4}-\d\d-\d\dT/.test(created.utc) ? undefined : timeOf(created.utc);
  const offsets = [true, false].map((monthFirst) => {
    if (began === undefined || utc === undefined) return undefined;
    const time = toTime(began, monthFirst);
    const offset = time === undefined ? undefined : Math.round((time - utc) / 900_000) * 900_000;
    return offset !== undefined && Math.abs(offset) <= 15 * 3_600_000 ? offset : undefined;
  });
  const monthFirst = decide([...clocks, ...(began ? [began] : [])], offsets[0] !== undefined, offsets[1] !== undefined);
  const offset = offsets[monthFirst ? 0 : 1] ?? 0;
  return (text) => {
    const clock = readClock(text);
    const time = clock === undefined ? undefined : toTime(clock, monthFirst);
    return time === undefined ? timeOf(text) : time - offset;
  };
}

function decide(clocks: readonly Clock[], fitsMonthFirst: boolean, fitsDayFirst: boolean): boolean {
  const open = clocks.filter(({ yearFirst }) => !yearFirst);
  if (open.some(({ parts }) => parts[0] > 12)) return false;
  if (open.some(({ parts }) => parts[1] > 12)) return true;
  if (fitsMonthFirst !== fitsDayFirst) return fitsMonthFirst;
  return open.some(({ halfDay, dotted }) => halfDay && !dotted);
}

function readClock(text: string): Clock | undefined {
  const found = written.exec(text);
  if (found === null) return undefined;
  const [, a = "", separator, b = "", c = "", hour = "", minute = "", second = "0", half] = found;
  const hours = half === undefined ? Number(hour) : (Number(hour) % 12) + (half.toLowerCase() === "p" ? 12 : 0);
  if (hours > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  return {
    parts: [Number(a), Number(b), Number(c)],
    yearFirst: a.length === 4,
    dotted: separator === ".",
    halfDay: half !== undefined,
    ofDay: (hours * 60 + Number(minute)) * 60 + Number(second),
  };
}

function toTime({ parts: [a, b, c], yearFirst, ofDay }: Clock, monthFirst: boolean): number | undefined {
  const [year, month, day] = yearFirst ? [a, b, c] : monthFirst ? [c, a, b] : [c, b, a];
  const full = year < 100 ? 2000 + year : year;
  const midnight = Date.UTC(full, month - 1, day);
  if (month < 1 || month > 12 || new Date(midnight).getUTCDate() !== day) return undefined;
  return timeOf((midnight + ofDay * 1e3) / 1e3);
}
