import { type Schema, Validator } from "@cfworker/json-schema";

/** Undefined for a value that fits the schema, else where and why it does not. The value is one that JSON can hold. */
export type Check = (value: unknown) => string | undefined;

/**
 * A check of a schema of the contracts. It interprets the schema, and makes no code from it: it works on pages whose content security policy has no
 * `unsafe-eval`.
 */
export function checkOf(schema: object): Check {
  // The validator writes into the schema it is given, and takes each named one once: it gets a copy of its own, without names.
  const own = JSON.parse(
    JSON.stringify(schema, (key, value) => (key === "$id" && typeof value === "string" ? undefined : value)),
  );
  const validator = new Validator(own as Schema, "2020-12");
  return (value) => {
    if (value === undefined) return "there is no value";
    const { valid, errors } = validator.validate(value);
    if (valid) return undefined;
    const fault = errors.at(-1);
    return fault ? `${fault.instanceLocation}: ${fault.error}` : "it does not fit its schema";
  };
}
