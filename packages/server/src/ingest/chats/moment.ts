const latest = Date.UTC(2100, 0, 1);

/** A time as exports write it (seconds, milliseconds or microseconds since 1970, as number or text, or ISO 8601), in milliseconds. */
export function timeOf(value: unknown): number | undefined {
  if (typeof value === "string") {
    const text = value.trim();
    if (/^\d+(\.\d+)?$/.test(text)) return timeOf(Number(text));
    if (!/^\d{4}-\d\d-\d\d/.test(text)) return undefined;
    // Without a zone it is meant in UTC, not in that of this machine.
    const zoned = /(Z|[+-]\d\d:?\d\d| UTC)$/i.test(text) || text.length <= 10 ? text : `${text}Z`;
    return within(Date.parse(zoned.replace(/^(\S+) (?=\d)/, "$1T").replace(/ UTC$/, "Z")));
  }
  if (typeof value !== "number") return undefined;
  return within(value > 1e14 ? value / 1e3 : value > 1e11 ? value : value * 1e3);
}

const within = (time: number): number | undefined => (time > 0 && time < latest ? Math.round(time) : undefined);

/** "2024-05-01 10:12", in UTC. */
export const writeMinute = (time: number): string => new Date(time).toISOString().slice(0, 16).replace("T", " ");
