import { CallError } from "@portcullis/contracts";
import { toGrantId } from "../policy/grants.ts";
import { type Authorization, authorize, type Question } from "./authorize.ts";
import type { Facts } from "./facts.ts";
import type { Parts } from "./parts.ts";
import { refuse } from "./refuse.ts";

/**
 * Uses up the grants of one call that the authorization rests on, before the tool runs: of calls at the same time exactly one goes on. Once the tool runs
 * a grant is used, whatever comes of it.
 */
export async function spend(
  parts: Parts,
  facts: Facts,
  question: Question,
  authorization: Authorization,
): Promise<Authorization> {
  let current = authorization;
  for (let tries = 1; ; tries++) {
    const ids = [
      ...new Set(current.verdicts.flatMap(({ scopes }) => scopes.flatMap((scope) => toGrantId(scope) ?? []))),
    ];
    if (ids.length === 0) return current;
    facts.consent = [facts.consent, ...ids].filter(Boolean).join(" ");
    const single = ids.filter((id) => parts.consent.grants.find(id)?.call !== null);
    let spent = true;
    for (const id of single) spent &&= await parts.consent.use(id);
    if (spent) return current;
    // Another call was first, or the owner has withdrawn it meanwhile.
    await parts.consent.grants.refresh();
    const again = authorize(parts, question);
    if (!again.permit) return refuse(parts, facts, question, again);
    if (tries >= mostTries)
      throw new CallError("UNAVAILABLE", "Other calls use the owner's grants for one call up; make the call again.");
    current = again;
  }
}

const mostTries = 4;
