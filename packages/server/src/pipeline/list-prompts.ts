import { CallError, type PromptList, toPromptUrl } from "@portcullis/contracts";
import type { Caller } from "./arrival.ts";
import { authorize } from "./authorize.ts";
import type { Asked } from "./methods.ts";
import { readTrace } from "./read-trace.ts";

/** The prompts that policy opens to this caller. */
export function listPrompts({ parts, request, params, facts }: Asked, caller: Caller): PromptList {
  const { cursor, trace } = params;
  if (cursor !== undefined)
    throw new CallError("INVALID_PARAMS", "This cursor is not of this list.", { details: { at: "cursor" } });
  const said = readTrace({ trace, ...(request.defaultPurpose && { defaultPurpose: request.defaultPurpose }) });
  facts.args = {};
  // A list asks for nothing yet: what it shows is asked for with a purpose.
  const purpose = said.purpose.text === undefined ? { text: "prompts.list", stated: true } : said.purpose;
  const registered = parts.registry.find("prompts.get");
  if (!registered) return { prompts: [] };
  const prompts = parts.registry.prompts.list().filter(({ name }) => {
    const href = toPromptUrl(name);
    const call = { ...registered, input: { name } };
    const resources = [{ kind: "url", href, method: "GET" } as const];
    return authorize(parts, { caller, call, resources, purpose }).permit !== undefined;
  });
  return { prompts: [...prompts].sort((a, b) => (a.name < b.name ? -1 : 1)) };
}
