import { CallError } from "@portcullis/contracts";
import { Withheld } from "../redaction/scrub-threads.ts";
import type { Authorization } from "./authorize.ts";
import type { Parts } from "./parts.ts";
import { toFaults } from "./registry.ts";
import type { ValidCall } from "./validate.ts";

export interface Scrubbed {
  readonly value: unknown;
  /** How many secrets of each kind were masked. */
  readonly masked: Readonly<Record<string, number>>;
}

/** Masks the secrets of an answer, with the owner's patterns and those of every scope that allowed the call. */
export async function redact(
  parts: Parts,
  call: ValidCall,
  { verdicts }: Authorization,
  output: unknown,
): Promise<Scrubbed> {
  const patterns = new Set<string>();
  for (const { obligations } of verdicts) for (const pattern of obligations.redact) patterns.add(pattern);
  const scrubbed = await parts.redactor
    .scrubApart(output, patterns.size === 0 ? undefined : parts.compilePatterns([...patterns]))
    .catch((error: unknown) => {
      if (!(error instanceof Withheld)) throw error;
      throw new CallError(
        "UPSTREAM",
        `The answer of ${call.tool.name} could not be searched for secrets (${error.message}), so it was withheld.`,
        { details: { reason: "redaction.budget", next: "Ask for less: a range, fewer results." } },
      );
    });
  // A mask may have broken what the schema promises (a hash, a URL): such an answer is withheld rather than sent malformed.
  if (scrubbed.value !== output && !call.answers(scrubbed.value)) {
    throw new CallError(
      "UPSTREAM",
      `The answer of ${call.tool.name} held a secret where its schema allows no mask, so it was withheld.`,
      {
        details: { reason: "redaction", errors: toFaults(call.answers.errors) },
      },
    );
  }
  return scrubbed;
}
