import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { CallError } from "@portcullis/contracts";
import { afterEach, expect, test } from "vitest";
import { createGuardedFetch } from "../../network/guarded-fetch.ts";
import type { UpstreamLogin } from "../../upstream/oauth/upstream-login.ts";
import { openHttpWay } from "./http-way.ts";

const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

interface Heard {
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

async function listen(answer: (response: ServerResponse, heard: Heard) => void) {
  const heard: Heard[] = [];
  const server = createServer((request, response) => {
    const one = { path: request.url, headers: request.headers };
    heard.push(one);
    answer(response, one);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ending.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return { heard, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp` };
}

/** A login whose tokens are numbered. */
function numbered(): UpstreamLogin & { renewed: number } {
  const login = {
    renewed: 0,
    fault: () => undefined,
    token: async () => `token-${login.renewed}`,
    renew: async () => `token-${++login.renewed}`,
    refused: () => new CallError("UPSTREAM", "refused"),
    lacking: (scope: string | undefined) => new CallError("UPSTREAM", `lacking ${scope}`),
    stop: async () => {},
  };
  return login;
}

async function send(url: string, login: UpstreamLogin): Promise<string> {
  const fetch = createGuardedFetch({ privateHosts: [new URL(url).host] });
  const way = openHttpWay({ url, headers: { "x-own": "1" }, login, fetch });
  await way.start();
  ending.push(() => way.close());
  return way.send({ jsonrpc: "2.0", method: "notifications/initialized" }).then(
    () => "sent",
    (error: Error) => error.message,
  );
}

test("a refused token is renewed once, and what was refused is asked again with the new one", async () => {
  const { heard, url } = await listen((response, { headers }) => {
    response.writeHead(headers.authorization === "Bearer token-1" ? 202 : 401).end();
  });
  expect(await send(url, numbered())).toBe("sent");
  expect(heard.map(({ headers }) => headers.authorization)).toEqual(["Bearer token-0", "Bearer token-1"]);
  expect(heard.every(({ headers }) => headers["x-own"] === "1")).toBe(true);
});

test("a server that refuses the new token too is not asked a third time", async () => {
  const { heard, url } = await listen((response) => {
    // Otherwise nothing would ever end it.
    response.writeHead(heard.length < 6 ? 401 : 202).end();
  });
  const login = numbered();
  expect(await send(url, login)).toBe("refused");
  expect([heard.length, login.renewed]).toEqual([2, 1]);
});

test("a call that wants more scope is refused with it, and renews nothing", async () => {
  for (const [challenge, said] of [
    ['Bearer error="insufficient_scope", scope="notes.write notes.read"', "lacking notes.write notes.read"],
    ['Bearer error="insufficient_scope"', "lacking undefined"],
  ] as const) {
    const { heard, url } = await listen(
      (response) => void response.writeHead(403, { "www-authenticate": challenge }).end(),
    );
    const login = numbered();
    expect(await send(url, login)).toBe(said);
    expect([heard.length, login.renewed]).toEqual([1, 0]);
  }
});

test("a redirect takes no token along", async () => {
  const inside = await listen((response) => void response.writeHead(202).end());
  const { heard, url } = await listen((response) => void response.writeHead(302, { location: inside.url }).end());
  expect(await send(url, numbered())).not.toBe("sent");
  expect([heard.length, inside.heard.length]).toEqual([1, 0]);
});
