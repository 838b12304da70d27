import { CallError } from "@portcullis/contracts";
import type { Choice } from "./offers.ts";

/** A choice as it is put together from a message's parameters or a command's options; throws a `CallError` for what makes none. */
export function toChoice(asked: Readonly<Record<string, unknown>>): Choice {
  const { answer, folder, resource, purpose } = asked;
  const span = asked.for;
  if (answer === "deny" || answer === "never") {
    if (span === undefined && folder === undefined && resource === undefined && purpose === undefined)
      return { answer };
    throw wrong("answer", `${answer} takes no for, folder, resource or purpose.`);
  }
  if (answer !== "allow") throw wrong("answer", "The answer is allow, deny or never.");
  if (span !== undefined && span !== "once" && span !== "always" && typeof span !== "number")
    throw wrong("for", "for is once, always, or a number of milliseconds.");
  if (folder !== undefined && typeof folder !== "boolean") throw wrong("folder", "folder is true or false.");
  for (const [at, text] of Object.entries({ resource, purpose }))
    if (text !== undefined && typeof text !== "string") throw wrong(at, `${at} is a text.`);
  return {
    answer,
    // The smallest offer: whoever says only yes has said it to this call.
    for: span ?? "once",
    ...(folder === true && { folder }),
    ...(typeof resource === "string" && { resource }),
    ...(typeof purpose === "string" && { purpose }),
  };
}

const wrong = (at: string, message: string): CallError =>
  new CallError("INVALID_PARAMS", message, { details: { at, reason: "choice" } });
