/** How a date, or a date and time with its zone, is written. */
export const momentPattern = /^(\d{4}-\d\d-\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/;

/**
 * Reads an ISO 8601 date (its first moment, UTC) or a date and time with a zone, in milliseconds since the epoch; undefined for anything else, and
 * for days that do not exist. A time without a zone would mean another moment on another machine.
 */
export function toMoment(text: string): number | undefined {
  const parts = momentPattern.exec(text);
  const day = parts?.[1];
  if (day === undefined) return undefined;
  const midnight = Date.parse(day);
  if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== day) return undefined;
  const moment = Date.parse(text);
  return Number.isNaN(moment) ? undefined : moment;
}
