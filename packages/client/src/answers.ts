import { type MethodName, methodSchemas } from "@portcullis/contracts";
import type { ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import { MalformedAnswer } from "./errors.ts";

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
const validators = new Map<string, ValidateFunction>();

/** Throws `MalformedAnswer` unless the result fits the method's schema. */
export function checkAnswer(method: MethodName, result: unknown): void {
  let accepts = validators.get(method);
  if (!accepts) {
    accepts = ajv.compile(methodSchemas[method].result);
    validators.set(method, accepts);
  }
  if (!accepts(result)) throw new MalformedAnswer(method, ajv.errorsText(accepts.errors));
}
