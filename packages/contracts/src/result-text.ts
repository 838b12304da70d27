import type { Success } from "./schemas.ts";

const texts = new WeakMap<Success, string>();

/** The JSON text of a call's result: written once, then used for its size, its record and by whatever carries it. */
export function resultText(success: Success): string {
  const known = texts.get(success);
  if (known !== undefined) return known;
  const text = JSON.stringify(success.result) ?? "null";
  texts.set(success, text);
  return text;
}
