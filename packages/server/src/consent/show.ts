import type { ConsentStatus, ConsentGrant as GrantOnWire, OpenRequest } from "@portcullis/contracts";
import type { ConsentGrant, ConsentRequest } from "../stores/consent-store.ts";
import type { ShownOffer } from "./desk.ts";

const at = (time: number): string => new Date(time).toISOString();

/** A request for whoever made it. */
export function toStatus(request: ConsentRequest, page: string | undefined): ConsentStatus {
  const { id, state, tool, resources, createdAt, expiresAt, times, answer } = request;
  return {
    ...{ id, state, tool, times },
    resources: resources.map(({ uri }) => uri),
    createdAt: at(createdAt),
    expiresAt: at(expiresAt),
    ...(page !== undefined && state === "open" && { page }),
    ...(answer && { answeredAt: at(answer.at), chose: answer.chose }),
    next: nexts[state],
  };
}

const nexts: Readonly<Record<ConsentRequest["state"], string>> = {
  open: "Wait: the owner has not answered. consent.status with waitMs tells when they have.",
  allowed: "Make exactly the same call again.",
  denied: "The owner said no. Tell the user; do not try other ways in.",
  expired: "Nobody answered, which is a no. The same call, made again, is asked anew.",
  used: "What was allowed for one call is used up. The same call, made again, is asked anew.",
};

/** A request for the owner. */
export function toOpenRequest(
  request: ConsentRequest,
  page: string | undefined,
  offers: readonly ShownOffer[],
): OpenRequest {
  const { subject, client, clientName, agent, purpose, effect, egress, args, reason, door, auditId, further } = request;
  return {
    ...toStatus(request, page),
    ...(request.flow !== undefined && { flow: request.flow }),
    ...{ subject, client, clientName, agent, purpose, effect, egress, args, reason, door, auditId, further },
    offers: offers.map(({ name, choice, says, patterns, opens }) => ({
      name,
      ...(choice.answer === "allow"
        ? { answer: "allow", for: choice.for, ...(choice.folder && { folder: true }) }
        : { answer: "never" as const }),
      says,
      patterns: [...patterns],
      // Not named for secrets: what is so named is masked on its way out.
      ...(opens && { opens: { files: opens.files, sensitive: [...opens.secrets], whole: opens.whole } }),
    })),
  };
}

export function toGrantOnWire(grant: ConsentGrant): GrantOnWire {
  const { id, request, effect, subject, client, clientName, tool, patterns, call, purpose, by } = grant;
  return {
    ...{ id, request, effect, subject, client, clientName, tool, purpose, by },
    patterns: [...patterns],
    once: call !== null,
    createdAt: at(grant.createdAt),
    expiresAt: grant.expiresAt === null ? null : at(grant.expiresAt),
  };
}
