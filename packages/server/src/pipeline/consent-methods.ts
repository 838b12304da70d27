import { CallError } from "@portcullis/contracts";
import { toChoice } from "../consent/choice.ts";
import type { Answerer, Desk } from "../consent/desk.ts";
import { toGrantOnWire, toOpenRequest, toStatus } from "../consent/show.ts";
import type { Caller } from "./arrival.ts";
import type { Asked } from "./methods.ts";

type Answer = (asked: Asked, caller: Caller) => Promise<unknown>;

const longestWait = 30_000;

/** The methods of consent. Whoever asked sees their own request; everything else is the owner's. */
export const consentMethods: Readonly<Record<string, Answer>> = {
  async "consent.request"({ parts, params }, caller) {
    const { desk, pageOf } = parts.consent;
    const found =
      params.auditId === undefined
        ? await desk.find(textOf(params, "id"))
        : await desk.findByCall(textOf(params, "auditId"));
    const request = ownOf(found, caller);
    return toStatus(request, pageOf(request.id));
  },

  async "consent.status"({ parts, params }, caller) {
    const { desk, pageOf } = parts.consent;
    const { waitMs = 0 } = params;
    if (typeof waitMs !== "number" || !(waitMs >= 0 && waitMs <= longestWait))
      throw new CallError("INVALID_PARAMS", `waitMs is 0 to ${longestWait}.`, { details: { at: "waitMs" } });
    const request = ownOf(await desk.find(textOf(params, "id")), caller);
    const after = waitMs > 0 ? await desk.wait(request.id, waitMs) : request;
    return toStatus(after ?? request, pageOf(request.id));
  },

  async "consent.list"({ parts }, caller) {
    checkOwner(caller);
    const { desk, pageOf } = parts.consent;
    const requests = await desk.list();
    return {
      requests: await Promise.all(
        requests.map(async (request) => toOpenRequest(request, pageOf(request.id), await desk.offers(request))),
      ),
    };
  },

  async "consent.answer"({ parts, request: { door }, params }, caller) {
    checkOwner(caller);
    const { desk, pageOf } = parts.consent;
    const { request, grant } = await desk.answer(textOf(params, "id"), toChoice(params), toAnswerer(caller, door));
    return { request: toStatus(request, pageOf(request.id)), ...(grant && { grant: toGrantOnWire(grant) }) };
  },

  async "consent.grants"({ parts }, caller) {
    checkOwner(caller);
    return { grants: (await parts.consent.desk.grants()).map(toGrantOnWire) };
  },

  async "consent.withdraw"({ parts, request: { door }, params }, caller) {
    checkOwner(caller);
    return { grant: toGrantOnWire(await parts.consent.desk.withdraw(textOf(params, "id"), toAnswerer(caller, door))) };
  },
};

const toAnswerer = ({ subject, owner, grant }: Caller, door: string): Answerer => ({
  owner,
  name: subject,
  door,
  client: grant,
});

function textOf(params: Readonly<Record<string, unknown>>, name: string): string {
  const value = params[name];
  if (typeof value === "string" && value !== "" && value.length <= 64) return value;
  throw new CallError("INVALID_PARAMS", `The parameter ${name} must be a text of at most 64 characters.`, {
    details: { at: name },
  });
}

type Found = Awaited<ReturnType<Desk["find"]>>;

/** Another's request is as good as none. */
function ownOf(request: Found, { owner, subject, grant }: Caller): NonNullable<Found> {
  if (request && (owner || (request.subject === subject && request.client === grant))) return request;
  throw new CallError("NOT_FOUND", "There is no such request of yours.", {
    details: {
      next: "The refusal of a call names its request in details.consent.id; not every refusal has one.",
    },
  });
}

function checkOwner({ owner }: Caller): void {
  if (owner) return;
  throw new CallError("PERMISSION_DENIED", "Only the owner sees and answers requests and grants.", {
    details: { scope: null, reason: "not_owner", next: "consent.status tells of your own requests." },
  });
}
