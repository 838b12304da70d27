import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { CallError } from "@portcullis/contracts";
import type { Answerer, ShownOffer } from "../consent/desk.ts";
import { toOpenRequest } from "../consent/show.ts";
import type { ConsentRequest } from "../stores/consent-store.ts";
import type { Invocation } from "./command.ts";
import { toRequestText } from "./consent-text.ts";
import { type Exit, exits } from "./exit.ts";
import type { OpenDesk } from "./open-desk.ts";

const lookEvery = 300;
const owner: Answerer = { owner: true, name: "owner", door: "cli" };

interface Following extends OpenDesk {
  readonly invocation: Invocation;
}

/**
 * Shows requests as they come until it is interrupted. On a terminal the owner answers each with a key, and no key means no; elsewhere, and with
 * --json, they are only shown.
 */
export async function followRequests(following: Following): Promise<Exit> {
  const { desk, pageOf, invocation } = following;
  const { output } = invocation;
  const asks = !output.json && process.stdin.isTTY === true && output.terminal;
  const stopped = untilInterrupted();
  const seen = new Set<string>();
  if (!output.json)
    output.err(
      asks ? "Waiting for requests; Ctrl-C ends." : "Waiting for requests; answer with `portcullis consent answer`.",
    );
  // What is typed while nothing is asked answers nothing.
  if (asks) process.stdin.on("data", drop);
  while (!stopped.signal.aborted) {
    const open = await desk.list();
    for (const id of seen) if (!open.some((request) => request.id === id)) seen.delete(id);
    const next = open.find(({ id }) => !seen.has(id));
    if (!next) {
      await pause(lookEvery, undefined, { signal: stopped.signal }).catch(() => {});
      continue;
    }
    seen.add(next.id);
    const offers = await desk.offers(next);
    if (output.json) {
      output.out(JSON.stringify(toOpenRequest(next, pageOf(next.id), offers)));
      continue;
    }
    output.out(`\n${toRequestText(next, offers, Date.now())}`);
    if (asks) await askOwner(following, { request: next, offers }, stopped);
  }
  process.stdin.off("data", drop).pause();
  return exits.ok;
}

const drop = (): void => {};

interface Put {
  readonly request: ConsentRequest;
  readonly offers: readonly ShownOffer[];
}

async function askOwner(
  { desk, invocation: { output } }: Following,
  put: Put,
  stopped: AbortController,
): Promise<void> {
  const { request, offers } = put;
  const line = await readLine(`Answer (1 to ${offers.length}; anything else is no): `, request.expiresAt, stopped);
  if (stopped.signal.aborted) return;
  if (line === undefined) return output.out("\nToo late: no answer is a no.");
  const choice = /^\d$/.test(line.trim()) ? offers[Number(line) - 1]?.choice : undefined;
  try {
    const { grant } = await desk.answer(request.id, choice ?? { answer: "deny" }, owner);
    output.out(grant?.effect === "allow" ? `Allowed. To end it: portcullis consent withdraw ${grant.id}` : "Denied.");
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    output.err(error.message);
  }
}

/** A line of the owner's; undefined when there was none in time. */
function readLine(question: string, until: number, stopped: AbortController): Promise<string | undefined> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  return new Promise((resolve) => {
    const end = (line: string | undefined): void => {
      clearTimeout(timer);
      stopped.signal.removeEventListener("abort", stop);
      process.stdin.off("end", leave);
      lines.close();
      process.stdin.resume();
      resolve(line);
    };
    const stop = (): void => end(undefined);
    // The end of the input is no answer, and there will be no other.
    const leave = (): void => stopped.abort();
    const timer = setTimeout(stop, Math.max(0, until - Date.now()));
    stopped.signal.addEventListener("abort", stop, { once: true });
    lines.once("SIGINT", () => stopped.abort());
    process.stdin.once("end", leave);
    lines.question(question, end);
  });
}

function untilInterrupted(): AbortController {
  const stopped = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => stopped.abort());
  return stopped;
}
