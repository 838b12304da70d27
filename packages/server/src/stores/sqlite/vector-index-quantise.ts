/** A vector in signed bytes: `vector[n]` is about `code[n] * scale`. */
export interface Quantised {
  readonly scale: number;
  readonly code: Int8Array;
}

/** Each vector has a scale of its own, so that what is found does not depend on what else there is. Codes are -127 to 127. */
export function quantise(vector: Float32Array): Quantised {
  let most = 0;
  for (const value of vector) most = Math.max(most, Math.abs(value));
  const scale = most / 127;
  const code = new Int8Array(vector.length);
  if (scale > 0) for (let n = 0; n < vector.length; n++) code[n] = Math.round((vector[n] ?? 0) / scale);
  return { scale, code };
}
