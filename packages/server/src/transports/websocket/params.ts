import { CallError, type MethodName, methodSchemas, type RpcRequest } from "@portcullis/contracts";
import type { ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
const schemas = new Map(Object.entries(methodSchemas));

/** Compiled when a method is first called; ajv keeps it. */
function validatorOf(method: string): ValidateFunction | undefined {
  const schema = schemas.get(method)?.params;
  return schema && ajv.compile(schema);
}

export const methodNames = Object.keys(methodSchemas) as readonly MethodName[];

/** What answers before anyone has shown a token. */
const open: ReadonlySet<string> = new Set<MethodName>(["health.check", "capabilities.get", "auth.exchange"]);

/** What is wrong with a request before the corridor is asked: no such method, no session, or parameters that its schema refuses. */
export function requestFault({ method, params }: RpcRequest, loggedIn: boolean): CallError | undefined {
  const accepts = validatorOf(method);
  if (!accepts) {
    return new CallError("METHOD_NOT_FOUND", `There is no method ${JSON.stringify(method.slice(0, 64))}.`, {
      details: { methods: methodNames },
    });
  }
  if (!loggedIn && !open.has(method)) {
    return new CallError("UNAUTHENTICATED", "There is no session: send auth.exchange with a token first.", {
      details: { next: "The owner makes a token with `portcullis token create NAME --subject WHO`." },
    });
  }
  if (accepts(params === undefined ? {} : params)) return undefined;
  const [first] = accepts.errors ?? [];
  const place = `params${first?.instancePath.replaceAll("/", ".") ?? ""}`;
  return new CallError("INVALID_PARAMS", `${place} ${first?.message ?? "is wrong"}.`, {
    details: {
      at: place,
      errors: accepts.errors?.map(({ instancePath, keyword, message }) => ({ path: instancePath, keyword, message })),
    },
  });
}
