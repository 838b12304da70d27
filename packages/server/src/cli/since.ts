import { CommandError, exits } from "./exit.ts";

/** A moment in the past, as `7d`, `24h`, `30m`, or an ISO date or time. */
export function toSince(text: string, now: number): number {
  const [, number, unit = ""] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  const units: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
  const moment = number === undefined ? Date.parse(text) : now - Number(number) * (units[unit] ?? 0);
  if (Number.isNaN(moment))
    throw new CommandError(exits.usage, `${JSON.stringify(text)} is no time: write 7d, 24h, 30m or 2027-01-31.`);
  return moment;
}
