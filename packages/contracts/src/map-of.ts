import { type Static, type TSchema, type TSchemaOptions, type TUnsafe, Type } from "typebox";

/** An object with any keys, whose values fit `value`. It is what `Type.Record` writes, which would bring 10 kB (gzipped) of its own engine into a browser. */
export const mapOf = <Value extends TSchema>(
  value: Value,
  options: TSchemaOptions = {},
): TUnsafe<Record<string, Static<Value>>> =>
  Type.Unsafe<Record<string, Static<Value>>>({ type: "object", patternProperties: { "^.*$": value }, ...options });
