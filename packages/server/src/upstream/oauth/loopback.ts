import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { LoginFault } from "./oauth-fetch.ts";

export const callbackPath = "/callback";

export interface Loopback {
  readonly redirectUri: string;
  /** The parameters that the browser came back with, once and with the right state. Rejects with `LoginFault` after `waitMs`. */
  arrived(state: string, waitMs: number): Promise<URLSearchParams>;
  close(): Promise<void>;
}

/** Visits with another state: a page that guesses is not listened to for ever. */
const mostStrangers = 100;

/** Waits on this machine alone for the browser to come back (RFC 8252, 7.3). */
export async function openLoopback(port = 0): Promise<Loopback> {
  let wanted: string | undefined;
  let strangers = 0;
  const { promise, resolve, reject } = Promise.withResolvers<URLSearchParams>();
  promise.catch(() => {});

  const receive = (request: IncomingMessage, response: ServerResponse): void => {
    const asked = `http://127.0.0.1${request.url ?? "/"}`;
    const { pathname, searchParams } = new URL(URL.canParse(asked) ? asked : "http://127.0.0.1/");
    if (request.method !== "GET" || pathname !== callbackPath) {
      say(response, 404, "There is nothing here.");
      return;
    }
    const states = searchParams.getAll("state");
    if (wanted === undefined || states.length !== 1 || states[0] !== wanted) {
      if (++strangers > mostStrangers) reject(new LoginFault("Too many came that do not belong to this login."));
      say(response, 400, "This does not belong to the login that is waited for.");
      return;
    }
    // One code: whoever comes later finds no login that waits.
    wanted = undefined;
    say(response, 200, "Portcullis has what it needs. You can close this page, and look at the terminal.");
    resolve(searchParams);
  };

  const server = createServer({ headersTimeout: 5_000, requestTimeout: 10_000, maxHeaderSize: 32_768 }, receive);
  server.maxConnections = 32;
  await new Promise<void>((listening, failed) => {
    server.once("error", (error) => failed(new LoginFault(`No port could be opened: ${error.message}.`, error)));
    server.listen(port, "127.0.0.1", listening);
  });
  const { port: taken } = server.address() as AddressInfo;
  return {
    redirectUri: `http://127.0.0.1:${taken}${callbackPath}`,
    async arrived(state, waitMs) {
      wanted = state;
      const timer = setTimeout(
        () => reject(new LoginFault(`Nobody came back from the browser within ${Math.round(waitMs / 1_000)} s.`)),
        waitMs,
      );
      return promise.finally(() => clearTimeout(timer));
    },
    async close() {
      const closed = new Promise<void>((done) => server.close(() => done()));
      setTimeout(() => server.closeAllConnections(), 200).unref();
      await closed;
    },
  };
}

function say(response: ServerResponse, status: number, text: string): void {
  const headers = {
    "content-type": "text/plain; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    connection: "close",
  };
  response.writeHead(status, headers).end(`${text}\n`);
}
