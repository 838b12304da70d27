import {
  type CallToolResult,
  CLIENT_CAPABILITIES_META_KEY,
  type InputRequiredResult,
  inputRequired,
  ProtocolError,
  ProtocolErrorCode,
  type Server,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { CallError, type Failure, type Outcome } from "@portcullis/contracts";
import type { Arrival } from "../../pipeline/arrival.ts";
import type { Corridor } from "../../pipeline/corridor.ts";
import { toCallResult, toErrorData } from "./answer.ts";

/** How long a client may take to send its user to the page, and the owner to answer then (ms): together less than the minute that clients wait. */
const sendMs = 30_000;
const waitMs = 25_000;

/** The key of the one question. */
const key = "owner";

interface Around {
  readonly corridor: Corridor;
  readonly server: Server;
  readonly context: ServerContext;
}

interface Page {
  readonly id: string;
  readonly url: string;
  readonly message: string;
}

/**
 * Makes a call. Where it waits for the owner, and the client can open a page, the client sends its user there and makes the call again. What the client says of
 * that counts for nothing: it is the owner's answer that opens anything, and the call is judged anew each time.
 */
export async function callAskingOwner(around: Around, arrival: Arrival): Promise<CallToolResult | InputRequiredResult> {
  const { corridor, context } = around;
  const name = String(arrival.name);
  const state = context.mcpReq.requestState();
  if (state !== undefined) return comeBack(around, arrival, state);
  const outcome = await corridor.handleCall(arrival);
  const page = pageOf(outcome);
  if (!page || !opensPages(around)) return toCallResult(name, outcome);
  if (context.mcpReq.envelope === undefined) return push(around, arrival, { page, outcome });
  const sealed = await corridor.sealCall(arrival, page.id);
  if (sealed === undefined) return toCallResult(name, outcome);
  const { url, message } = page;
  return inputRequired({ inputRequests: { [key]: inputRequired.elicitUrl({ url, message }) }, requestState: sealed });
}

/** The second round of the stateless revision. There is no third: whoever is refused again is told so. */
async function comeBack({ corridor, context }: Around, arrival: Arrival, state: unknown): Promise<CallToolResult> {
  const name = String(arrival.name);
  const answer = context.mcpReq.inputResponses?.[key] as { readonly action?: unknown } | undefined;
  const waits = answer?.action === "accept" ? waitMs : 0;
  if (typeof state === "string" && (await corridor.awaitOwner(arrival, { state, waitMs: waits })))
    return toCallResult(name, await corridor.handleCall(arrival));
  const error = new CallError("INVALID_PARAMS", "The requestState is not of this call, or is over.", {
    details: { at: "requestState", next: "Make the call again without it." },
  });
  const failure = await corridor.refuse(arrival, name, error);
  throw new ProtocolError(ProtocolErrorCode.InvalidParams, failure.message, toErrorData(failure));
}

/** The sessionful revisions: the client is asked while its call waits. */
async function push(
  { corridor, server, context }: Around,
  arrival: Arrival,
  { page, outcome }: { readonly page: Page; readonly outcome: Outcome },
): Promise<CallToolResult> {
  const name = String(arrival.name);
  const { id, url, message } = page;
  const sealed = await corridor.sealCall(arrival, id);
  const params = { mode: "url" as const, url, message, elicitationId: id };
  try {
    const { action } = await context.mcpReq.send(
      { method: "elicitation/create", params },
      { timeout: sendMs, signal: context.mcpReq.signal },
    );
    if (action !== "accept" || sealed === undefined) return toCallResult(name, outcome);
  } catch {
    // A client that does not answer, or cannot after all, gets the refusal, which says the same in words.
    return toCallResult(name, outcome);
  }
  if (!(await corridor.awaitOwner(arrival, { state: sealed, waitMs }))) return toCallResult(name, outcome);
  const again = await corridor.handleCall(arrival);
  if (!pageOf(again))
    await server
      .createElicitationCompletionNotifier(id)()
      .catch(() => {});
  return toCallResult(name, again);
}

/** Whether the client has declared that it can send its user to a page. */
function opensPages({ server, context }: Around): boolean {
  const envelope: Readonly<Record<string, unknown>> | undefined = context.mcpReq.envelope;
  const declared = envelope === undefined ? server.getClientCapabilities() : envelope[CLIENT_CAPABILITIES_META_KEY];
  const { elicitation } = (declared ?? {}) as { readonly elicitation?: { readonly url?: unknown } };
  return elicitation?.url !== undefined && elicitation.url !== null;
}

/** Where the owner answers a call that waits for them; undefined for any other outcome. */
function pageOf(outcome: Outcome): Page | undefined {
  const consent = outcome.ok ? undefined : (outcome.details?.consent as Partial<Record<string, unknown>> | undefined);
  if (consent?.state !== "open" || typeof consent.page !== "string" || typeof consent.id !== "string") return undefined;
  const { message } = outcome as Failure;
  return { id: consent.id, url: consent.page, message: `${message} Open the page to answer, or leave it for a no.` };
}
