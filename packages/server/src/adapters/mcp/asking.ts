import { type Client, ProtocolError, SdkError, SdkHttpError } from "@modelcontextprotocol/client";
import { CallError } from "@portcullis/contracts";
import { createGate } from "../../network/gate.ts";

export interface AskingOptions {
  readonly name: string;
  /** Questions that may be under way at once. */
  readonly concurrent: number;
  /** How long one may take (ms). */
  readonly callMs: number;
  client(signal: AbortSignal): Promise<Client>;
  drop(why: string): void;
  renew(client: Client): void;
}

/** By what a question of ours to a server is bounded. */
export interface Limits {
  readonly signal: AbortSignal;
  readonly timeout: number;
  readonly maxTotalTimeout: number;
}

export interface Asking {
  /** Asks when it is its turn. What fails is a refusal of ours, or the signal's own reason. */
  ask<T>(signal: AbortSignal, question: (client: Client, limits: Limits) => Promise<T>): Promise<T>;
}

/** Questions to one server that may wait for their turn. */
const mostWaiting = 64;
/** Questions in a row that were not answered in time: after these the connection is made anew. */
const mostLate = 3;

/** The one way in which anything is asked of a server. */
export function createAsking(options: AskingOptions): Asking {
  const { name: source, callMs } = options;
  const gate = createGate(options.concurrent, mostWaiting, `calls of ${source} are waiting`);
  let late = 0;

  const count = (): void => {
    if (++late < mostLate) return;
    late = 0;
    options.drop(`${mostLate} calls in a row were not answered in time`);
  };

  return {
    async ask(signal, question) {
      const limits = { signal, timeout: callMs, maxTotalTimeout: callMs };
      const leave = await gate.enter(signal);
      try {
        const client = await options.client(signal);
        const answer = await question(client, limits).catch(async (error: unknown) => {
          // The server forgot the session, so it did nothing: the question may be asked anew.
          if (!(error instanceof SdkHttpError && error.status === 404)) throw error;
          options.renew(client);
          return question(await options.client(signal), limits);
        });
        late = 0;
        return answer;
      } catch (error) {
        if (signal.aborted) {
          if (isLate(signal.reason)) count();
          throw signal.reason;
        }
        throw toRefusal(error, source, count);
      } finally {
        leave();
      }
    },
  };
}

const isLate = (reason: unknown): boolean => reason instanceof CallError && reason.code === "TIMEOUT";

function toRefusal(error: unknown, source: string, late: () => void): CallError {
  if (error instanceof CallError) return error;
  if (error instanceof ProtocolError) {
    return new CallError("UPSTREAM", `${source} refuses the call: ${error.message.slice(0, 500)}`, {
      details: { source, reason: "protocol", code: error.code, next: "Correct the arguments if that is what it says." },
    });
  }
  if (error instanceof SdkError && /timeout/i.test(String(error.code))) {
    late();
    return new CallError("TIMEOUT", `${source} did not answer in time.`, {
      details: { source, reason: "timeout", next: "Try again later, or ask for less." },
    });
  }
  const refused = error instanceof Error && error.cause instanceof CallError ? error.cause : undefined;
  if (refused?.code === "TOO_LARGE")
    return new CallError("TOO_LARGE", `${source} answered with more than is read.`, {
      cause: error,
      details: { source },
    });
  return new CallError("UPSTREAM", `The connection to ${source} broke before it answered.`, {
    cause: error,
    details: {
      source,
      reason: "connection",
      next: "Whether it did what was asked is not known. Look before you try again.",
    },
  });
}
