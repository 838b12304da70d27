import { CallError } from "@portcullis/contracts";
import { PatternError } from "../policy/fault.ts";
import type { Places } from "../policy/path-pattern.ts";
import type { ConsentGrant, ConsentRequest } from "../stores/consent-store.ts";
import { narrow } from "./narrow.ts";
import { type Choice, day, hasFolder, patternsOf } from "./offers.ts";

/** How long a grant may last that is not for always, in ms. */
const longest = 366 * day;
const shortest = 1_000;

export interface GrantFacts {
  readonly id: string;
  readonly by: string;
  readonly now: number;
  /** How long a single use may wait for its call, in ms. */
  readonly onceMs: number;
  readonly places: Places;
}

/** The grant that a choice makes of a request; undefined for a plain no. Throws a `CallError` for a choice that would open what was not asked for. */
export function toGrant(request: ConsentRequest, choice: Choice, facts: GrantFacts): ConsentGrant | undefined {
  if (choice.answer === "deny") return undefined;
  const { subject, client, clientName, tool, resources } = request;
  if (request.flow !== undefined && (choice.answer !== "allow" || choice.for !== "once"))
    throw wrong("for", "What leaves is allowed for this one call, or not at all.");
  const base = { id: facts.id, request: request.id, subject, client, clientName, tool, by: facts.by };
  const exact = patternsOf(resources, false);
  const whole = { ...base, methods: [], call: null, purpose: null, createdAt: facts.now };
  if (choice.answer === "never") return { ...whole, effect: "never", patterns: exact, expiresAt: null };
  const folder = choice.folder === true;
  if (folder && !hasFolder(request)) {
    const why = request.effect === "read" ? "there is no one folder that holds it" : `${tool} does more than read`;
    throw wrong("folder", `A folder cannot be allowed here: ${why}.`);
  }
  const offered = patternsOf(resources, folder);
  return {
    ...whole,
    effect: "allow",
    patterns: choice.resource === undefined ? offered : toNarrower(choice.resource, offered, facts.places),
    methods: [...new Set(resources.flatMap(({ method }) => method ?? []))],
    call: choice.for === "once" ? request.call : null,
    purpose: toPurpose(choice.purpose),
    expiresAt: toEnd(choice.for, facts),
  };
}

function toEnd(span: "once" | "always" | number, { now, onceMs }: GrantFacts): number | null {
  if (span === "once") return now + onceMs;
  if (span === "always") return null;
  if (Number.isSafeInteger(span) && span >= shortest && span <= longest) return now + span;
  throw wrong("for", "A grant lasts from one second to a year, or always.");
}

function toPurpose(text: string | undefined): string | null {
  if (text === undefined) return null;
  const purpose = text.trim();
  if (purpose !== "" && purpose.length <= 500 && purpose.isWellFormed() && !purpose.includes("\u0000")) return purpose;
  throw wrong("purpose", "A purpose is a text of at most 500 characters.");
}

function toNarrower(text: string, offered: readonly string[], places: Places): readonly string[] {
  try {
    const found = narrow(text, offered, places);
    if (found) return found;
  } catch (error) {
    if (error instanceof PatternError)
      throw wrong("resource", `${JSON.stringify(text)} cannot be used. ${error.message}`);
    throw error;
  }
  throw wrong(
    "resource",
    `${JSON.stringify(text)} is wider than, or elsewhere than, what was asked for: ${offered.join(", ")}. Write a policy for that.`,
  );
}

const wrong = (at: string, message: string): CallError =>
  new CallError("INVALID_PARAMS", message, { details: { at, reason: "choice" } });

/** A choice in words, as it is written down. */
export function toWords(choice: Choice): string {
  if (choice.answer !== "allow") return choice.answer;
  const span =
    choice.for === "once" || choice.for === "always" ? choice.for : `for ${Math.round(choice.for / 1_000)} s`;
  return [
    "allow",
    choice.folder ? "the folder" : "",
    span,
    choice.resource ?? "",
    choice.purpose ? `for «${choice.purpose}»` : "",
  ]
    .filter(Boolean)
    .join(" ");
}
