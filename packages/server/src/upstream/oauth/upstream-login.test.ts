import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { eventually } from "../../../../../test/support/guests.ts";
import { type OAuthPeer, openOAuthPeer } from "../../../../../test/support/upstream/oauth-peer.ts";
import { logIn } from "./log-in.ts";
import { type Login, readLogin, writeLogin } from "./login-file.ts";
import { createUpstreamLogin, type UpstreamLoginOptions } from "./upstream-login.ts";

const base = mkdtempSync(join(tmpdir(), "portcullis-upstream-login-"));
let peer: OAuthPeer;
let file: string;
let known: string[];
let count = 0;
beforeEach(async () => {
  peer = await openOAuthPeer();
  // Over at once, so that each use is a renewal.
  peer.lasts = 1;
  file = join(base, `${++count}`, "far.oauth.json");
  known = [];
  writeLogin(file, await logInHere());
});
afterEach(() => peer.close());
afterAll(() => rmSync(base, { recursive: true, force: true }));

const logInHere = (): Promise<Login> =>
  logIn({ url: peer.url, oauth: {}, waitMs: 5_000, show: (address) => void fetch(peer.approve(address)) });

const open = (more: Partial<UpstreamLoginOptions> = {}) =>
  createUpstreamLogin({
    ...{ name: "far", url: peer.url, oauth: {}, file, ...more },
    know: (secrets) => void known.push(...secrets.map(({ value }) => value)),
  });

const renewals = (): number => peer.asked.filter(({ params }) => params.get("grant_type") === "refresh_token").length;
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable(),
    (error: { code: string; message: string; details: Record<string, unknown> }) => error,
  );

test("all who need a token at once wait for one renewal, which is masked and on the disk before it is used", async () => {
  const before = peer.tokens();
  peer.lasts = 3_600;
  const [one, other] = [open(), open()];
  const tokens = await Promise.all(Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? one : other).token()));
  expect(renewals()).toBe(1);
  expect(new Set(tokens)).toEqual(new Set([peer.tokens().access]));
  expect(peer.tokens()).not.toEqual(before);
  expect(known).toEqual(expect.arrayContaining([before.access, before.refresh, ...Object.values(peer.tokens())]));
  expect(readLogin(file)?.tokens).toMatchObject(peer.tokens());
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const asked = peer.asked.findLast(({ path }) => path === "/token");
  expect(asked?.params.get("resource")).toBe(peer.url);
});

test("processes renew one after the other: those that come later find the token of the first", async () => {
  peer.lasts = 3_600;
  const module = JSON.stringify(join(import.meta.dirname, "upstream-login.ts"));
  const options = JSON.stringify({ name: "far", url: peer.url, oauth: {}, file });
  const program = `const { createUpstreamLogin } = await import(${module});
    const login = createUpstreamLogin({ ...${options}, know() {} });
    console.log(await login.renew(${JSON.stringify(peer.tokens().access)}));`;
  const args = ["--conditions=portcullis-source", "--input-type=module", "-e", program];
  const runs = [1, 2, 3].map(() => promisify(execFile)(process.execPath, args, { timeout: 60_000 }));
  const said = (await Promise.all(runs)).map(({ stdout }) => stdout.trim());
  expect(renewals()).toBe(1);
  expect(new Set(said)).toEqual(new Set([peer.tokens().access]));
}, 90_000);

test("tokens that cannot be written are not used, and not lost", async () => {
  peer.lasts = 3_600;
  const login = open();
  mkdirSync(`${file}.new`);
  const error = await refusal(login.token());
  expect(error).toMatchObject({ code: "UPSTREAM", details: { reason: "login_renewal" } });
  expect(JSON.stringify([error.message, error.details])).not.toContain(peer.tokens().access);
  // They are secret from the moment that they are there.
  expect(known).toEqual(expect.arrayContaining(Object.values(peer.tokens())));
  rmSync(`${file}.new`, { recursive: true });
  expect(await login.token()).toBe(peer.tokens().access);
  expect(renewals()).toBe(1);
  expect(readLogin(file)?.tokens).toMatchObject(peer.tokens());
});

test("after a crash between a renewal and its writing the owner is told to log in, and once that is done it goes on", async () => {
  const before = readFileSync(file);
  await open().token();
  writeFileSync(file, before);
  writeFileSync(`${file}.new`, "half a lo");
  const login = open();
  expect(login.fault()).toBeUndefined();
  const error = await refusal(login.token());
  expect(error.message).toContain("invalid_grant");
  expect(error).toMatchObject({ code: "UPSTREAM", details: { reason: "login" } });
  expect(error.details.next).toContain("portcullis upstream login far");
  const asked = peer.asked.length;
  expect(login.fault()?.message).toBe(error.message);
  await refusal(login.token());
  expect(peer.asked).toHaveLength(asked);
  expect(readLogin(file)?.tokens).toBeUndefined();
  peer.lasts = 3_600;
  writeLogin(file, await logInHere());
  expect(login.fault()).toBeUndefined();
  expect(await login.token()).toBe(peer.tokens().access);
});

test("a process that is killed within a renewal holds nobody up", async () => {
  peer.instead["/token"] = () => {};
  const module = JSON.stringify(join(import.meta.dirname, "upstream-login.ts"));
  const options = JSON.stringify({ name: "far", url: peer.url, oauth: {}, file });
  const program = `const { createUpstreamLogin } = await import(${module});
    await createUpstreamLogin({ ...${options}, know() {} }).token();`;
  const child = spawn(process.execPath, ["--conditions=portcullis-source", "--input-type=module", "-e", program]);
  const ended = once(child, "close");
  await eventually(30_000, async () => expect(renewals()).toBe(1));
  const waiting = open().token();
  child.kill("SIGKILL");
  await ended;
  delete peer.instead["/token"];
  expect(await waiting).toBe(peer.tokens().access);
  expect(renewals()).toBe(2);
}, 60_000);

test("a server that hangs or fails ends no login", async () => {
  const login = open({ limits: { totalMs: 300 } });
  const before = readFileSync(file, "utf8");
  for (const answer of [
    () => {},
    (response: { writeHead(status: number): { end(): void } }) => response.writeHead(503).end(),
  ]) {
    peer.instead["/token"] = answer as never;
    expect(await refusal(login.token())).toMatchObject({ details: { reason: "login_renewal" } });
    expect(readFileSync(file, "utf8")).toBe(before);
    expect(login.fault()).toBeUndefined();
  }
  delete peer.instead["/token"];
  expect(await login.token()).toBe(peer.tokens().access);
});

test("who gives up does not end the renewal that others wait for", async () => {
  const login = open();
  const ending = new AbortController();
  const gone = refusal(login.token(ending.signal));
  const stays = login.token();
  ending.abort(new Error("gave up"));
  expect((await gone).message).toBe("gave up");
  expect(await stays).toBe(peer.tokens().access);
  expect(renewals()).toBe(1);
});

test("a token of another kind, or one that cannot stand in a header, is not taken", async () => {
  for (const odd of [{ token_type: "DPoP" }, { access_token: "a\r\nb" }]) {
    peer.instead["/token"] = (response) =>
      void response
        .writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify({ token_type: "Bearer", access_token: "fine", expires_in: 60, ...odd }));
    expect(await refusal(open().token())).toMatchObject({ details: { reason: "login_renewal" } });
  }
});

test("a login that was made for another address, client or issuer is not used", async () => {
  const others: readonly Partial<UpstreamLoginOptions>[] = [
    { url: "https://elsewhere.example/mcp" },
    { oauth: { clientId: "another" } },
    { oauth: { issuer: "https://another.example" } },
  ];
  const asked = peer.asked.length;
  for (const other of others) {
    const login = open(other);
    expect(login.fault()).toMatchObject({ details: { reason: "login" } });
    expect(await refusal(login.token())).toMatchObject({ details: { reason: "login" } });
  }
  writeFileSync(file, "{");
  expect(open().fault()?.message).toContain("damaged");
  rmSync(file);
  expect(open().fault()?.message).toContain("no login yet");
  expect(peer.asked).toHaveLength(asked);
});
