import { CallError, type Resource } from "@portcullis/contracts";
import { Withheld } from "../redaction/scrub-threads.ts";
import { leaves } from "./leaves.ts";
import type { Parts } from "./parts.ts";
import type { ValidCall } from "./validate.ts";

/** Refuses a call whose arguments would carry a secret off this machine, unless the owner lets them. */
export async function guardArguments(
  parts: Parts,
  { tool, input }: Pick<ValidCall, "tool" | "input">,
  resources: readonly Resource[],
): Promise<void> {
  if (!leaves(parts, tool, resources) || parts.argumentSecrets === "allow") return;
  let masked: Readonly<Record<string, number>>;
  try {
    ({ masked } = await parts.redactor.scrubApart(input));
  } catch (error) {
    if (!(error instanceof Withheld)) throw error;
    throw new CallError("PERMISSION_DENIED", `The arguments could not be searched for secrets: ${error.message}.`, {
      details: { reason: "redaction.budget", next: "Send less at once." },
    });
  }
  const kinds = Object.keys(masked).sort();
  if (kinds.length === 0) return;
  throw new CallError(
    "PERMISSION_DENIED",
    `The arguments of ${tool.name} hold a secret (${kinds.join(", ")}), and they leave this machine, so nothing was sent.`,
    {
      details: {
        reason: "secret-in-arguments",
        kinds,
        next: "Leave the secret out. Where it has to be sent, the owner sets redact.arguments to allow.",
      },
    },
  );
}
