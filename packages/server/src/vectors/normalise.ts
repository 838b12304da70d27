import { EmbedFault } from "./embed-fault.ts";

const mostDimensions = 8_192;

/** A vector of length 1 in the direction of an endpoint's numbers. Throws `EmbedFault` for anything that has no direction. */
export function normalise(numbers: unknown): Float32Array {
  if (!(Array.isArray(numbers) || numbers instanceof Float32Array)) throw bad("a vector is missing");
  const { length } = numbers;
  if (length === 0 || length > mostDimensions) throw bad(`${length} dimensions`);
  let sum = 0;
  for (let n = 0; n < length; n++) {
    const value: unknown = numbers[n];
    if (typeof value !== "number") throw bad("a number is none");
    sum += value * value;
  }
  const norm = Math.sqrt(sum);
  // Nor has one of which a number is infinite or none.
  if (!(norm > 1e-12 && norm < Number.POSITIVE_INFINITY)) throw bad("a vector has no direction");
  const vector = new Float32Array(length);
  for (let n = 0; n < length; n++) vector[n] = (numbers[n] as number) / norm;
  return vector;
}

const bad = (detail: string): EmbedFault => new EmbedFault("answer", { detail });
