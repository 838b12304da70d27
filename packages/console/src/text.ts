/** A text that a caller chose, with what cannot be seen made visible: it must not steer or reverse what stands beside it. */
export const visible = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) =>
    character === "\n" ? "\n" : `<U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}>`,
  );

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export const toClock = (at: string): string => clock.format(new Date(at));
export const toMoment = (at: string | null): string => (at === null ? "never" : whole.format(new Date(at)));

/** How long until then, in words; "over" when it is past. */
export function until(at: string, now: number): string {
  const seconds = Math.round((Date.parse(at) - now) / 1_000);
  if (seconds <= 0) return "over";
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3_600)} h`;
}

/** What a record is of, in few words. */
export const toDeed = ({ tool, method, kind }: { tool?: string; method?: string; kind: string }): string =>
  [method, tool].filter(Boolean).join(" ") || kind;

/** How a record ended, as one of three: the colour follows. */
export const toTone = (outcome: string | undefined): "good" | "bad" | "plain" =>
  outcome === undefined ? "plain" : outcome === "ok" ? "good" : "bad";

/** How many entries fall into each of `slots` equal parts of the time that they span, oldest first. */
export function toHistogram(times: readonly number[], slots: number): readonly number[] {
  const counts = new Array<number>(slots).fill(0);
  if (times.length === 0) return counts;
  const [from, to] = [Math.min(...times), Math.max(...times)];
  const width = Math.max(1, (to - from) / slots);
  for (const time of times) {
    const slot = Math.min(slots - 1, Math.floor((time - from) / width));
    counts[slot] = (counts[slot] ?? 0) + 1;
  }
  return counts;
}

/** The commonest values with their counts, the most frequent first. */
export function toFacet(values: readonly (string | undefined)[], most = 6): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const value of values) if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).slice(0, most);
}

const reasons: Readonly<Record<string, string>> = {
  unknown_subject: "no policy names this client",
  no_scope: "no rule of its policy allows it",
  no_match: "no rule of its policy allows it",
  denied: "a rule of its policy denies it",
  purpose: "its policy wants a purpose",
  grant: "it was not let in for this tool",
};
/** Why something was refused, in words where there are some. */
export const toReason = (reason: string): string => reasons[reason] ?? visible(reason);

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
