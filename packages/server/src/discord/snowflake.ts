/** The ids of Discord: 64-bit numbers that tell when they were made. They are texts everywhere, since a Number would round them. */

const shape = /^[1-9]\d{0,18}$/;
const largest = 9_223_372_036_854_775_807n;
/** 2015-01-01, from which their milliseconds count. */
const epochMs = 1_420_070_400_000n;

export const isSnowflake = (value: unknown): value is string =>
  typeof value === "string" && shape.test(value) && BigInt(value) <= largest;

/** When an id was made, in ms. */
export const timeOf = (id: string): number => Number((BigInt(id) >> 22n) + epochMs);

/** The smallest id that can have been made at a time, or undefined when that is not in their range. */
export function snowflakeAt(ms: number): string | undefined {
  if (!Number.isFinite(ms)) return undefined;
  const id = (BigInt(Math.trunc(ms)) - epochMs) << 22n;
  return id < 1n || id > largest ? undefined : String(id);
}

export const isOlder = (one: string, other: string): boolean => BigInt(one) < BigInt(other);
