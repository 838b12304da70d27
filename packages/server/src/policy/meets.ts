import { Ajv2020 } from "ajv/dist/2020.js";
import type { Static, TSchema } from "typebox";

const ajv = new Ajv2020({ strict: false, strictNumbers: true });

/** Whether a value meets a schema, which is compiled when it is first asked for. */
export const meets = <Schema extends TSchema>(schema: Schema, value: unknown): value is Static<Schema> =>
  ajv.compile(schema)(value);
