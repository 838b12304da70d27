import { spawn } from "node:child_process";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { asGuest, eventually } from "../support/guests.ts";
import { letIn } from "../support/oauth/login.ts";
import { verifiesOnce } from "../support/verifies.ts";
import { main, openWorld, type World } from "../support/world.ts";

/** The server that wants a login, with its own logins, and the one that stands before it. */
let far: World;
let near: World;
/** All that was ever given to the near server, and all that its commands wrote. */
const secrets = new Set<string>();
let written = "";

beforeAll(async () => {
  far = await openWorld({
    files: { "todo.md": "# To do\n\nWater the plants.\n" },
    settings: "limits: { turnCalls: 1000 }\n",
  });
  near = await openWorld({
    files: { "own.md": "# Own\n" },
    settings: `limits: { turnCalls: 1000 }\nsources:\n  - { kind: mcp, name: far, url: "${far.listening.mcp}", auth: oauth, tools: { "*": { effect: read, labels: { untrusted: false, egress: false } } } }\n`,
    policies: {
      "duck.yaml": `
subject: "duck@home"
purpose: optional
scopes:
  - { tool: "far.*", allow: ["mcp://far/**"] }
  - { tool: fs.readFile, allow: ["FOLDER/**"] }
`,
    },
  });
});
afterAll(async () => {
  await near?.close();
  await far?.close();
});

const loginFile = (): string => join(near.data, "secrets", "far.oauth.json");
const readTokens = (): { access: string; refresh: string; expiresAt: number } => {
  const { tokens } = JSON.parse(readFileSync(loginFile(), "utf8"));
  for (const token of [tokens.access, tokens.refresh]) secrets.add(token);
  return tokens;
};
const run = async (...args: readonly string[]) => {
  const ran = await near.run(...args);
  written += ran.stdout + ran.stderr;
  return ran;
};

/** Logs in by the command, as an owner with a browser would. */
async function logIn(): Promise<number | null> {
  const args = [main, "upstream", "login", "far", "--json", "--wait", "60", "--data", near.data];
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env.PATH, HOME: near.base },
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (written += text));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  try {
    for await (const line of createInterface(child.stdout)) {
      written += `${line}\n`;
      const said = JSON.parse(line) as { event: string; url: string };
      if (said.event !== "open") continue;
      const back = await letIn(far, said.url);
      secrets.add(back.searchParams.get("code") ?? "");
      expect((await fetch(back)).status).toBe(200);
    }
    return await ended;
  } finally {
    child.kill("SIGKILL");
  }
}

// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever was answered
async function call(tool: string, path: string): Promise<any> {
  let answer: unknown;
  await asGuest(near, { door: "http", subject: "duck@home" }, async (guest) => {
    answer = await guest.call(tool, { path });
  });
  return answer;
}

const readFar = () => call("far.fs_readFile", join(far.folder, "todo.md"));

const untilItReads = () =>
  eventually(20_000, async () => expect(JSON.stringify(await readFar())).toContain("Water the plants."));

verifiesOnce("D7.oauth", async () => {
  // Before: the owner is told by every way.
  expect((await run("upstream", "list")).stdout).toContain(
    "LOGIN NEEDED, there is no login yet: portcullis upstream login far",
  );
  expect((await run("doctor")).stdout).toContain("portcullis upstream login far");
  await eventually(10_000, async () => expect(near.log()).toContain("portcullis upstream login far"));

  expect(await logIn()).toBe(0);
  const first = readTokens();
  expect(statSync(loginFile()).mode & 0o777).toBe(0o600);
  await untilItReads();
  expect((await run("upstream", "list")).stdout).toContain(`logged in at ${far.listening.http}`);
  const theirs = (await far.audit()).filter(({ tool }) => tool === "fs.readFile");
  expect(theirs.at(-1)?.subject).not.toBe("duck@home");

  // A token that is refused is renewed once, and one that is about to end as well.
  const login = JSON.parse(readFileSync(loginFile(), "utf8"));
  writeFileSync(
    loginFile(),
    JSON.stringify({ ...login, tokens: { ...login.tokens, access: "refused-token-of-nobody" } }),
  );
  await untilItReads();
  const second = readTokens();
  expect(second.access).not.toBe(first.access);
  const again = JSON.parse(readFileSync(loginFile(), "utf8"));
  writeFileSync(loginFile(), JSON.stringify({ ...again, tokens: { ...again.tokens, expiresAt: Date.now() } }));
  await untilItReads();
  expect(readTokens().access).not.toBe(second.access);

  // Its tokens are masked in whatever leaves, those that were replaced as well.
  writeFileSync(join(near.folder, "own.md"), [...secrets].map((secret, at) => `${at}: ${secret}`).join("\n"));
  const own = await call("fs.readFile", join(near.folder, "own.md"));
  const { access, refresh } = readTokens();
  for (const token of [first.access, first.refresh, second.access, second.refresh, access, refresh])
    expect(JSON.stringify(own)).not.toContain(token);
  expect(own).toMatchObject({ ok: true });
  writeFileSync(join(near.folder, "own.md"), "# Own\n");

  // The far side takes the login back: the refusal says what to do, and a new login goes on without a restart.
  const clients = JSON.parse((await far.run("client", "list", "--json")).stdout);
  const listed = JSON.stringify(clients);
  expect(listed).toContain("Portcullis");
  for (const { id } of clients.clients) await far.run("client", "revoke", id);
  await eventually(10_000, async () => {
    const refused = await readFar();
    expect(refused).toMatchObject({ ok: false, code: "UPSTREAM", details: { reason: "login" } });
    expect(JSON.stringify(refused)).toContain("portcullis upstream login far");
  });
  expect((await run("doctor")).stdout).toContain("LOGIN NEEDED");
  expect(await logIn()).toBe(0);
  readTokens();
  await untilItReads();

  // Logged out: taken back there, forgotten here.
  const last = readTokens();
  expect((await run("upstream", "logout", "far")).stdout).toContain("taken back and forgotten");
  expect(readdirSync(join(near.data, "secrets")).filter((name) => name.endsWith(".json"))).toEqual([]);
  const knock = await fetch(`${far.listening.http}/v1/tools`, {
    headers: { authorization: `Bearer ${last.access}` },
  });
  expect(knock.status).toBe(401);
  expect(await readFar()).toMatchObject({ ok: false, details: { reason: "login" } });

  // Nowhere else is any of it, but in the index of the served file that they were put into.
  const places = { log: near.log(), written, audit: JSON.stringify(await near.audit()) };
  for (const [place, text] of Object.entries(places))
    for (const secret of secrets) expect(text.includes(secret), place).toBe(false);
  for (const path of readdirSync(near.data, { recursive: true, withFileTypes: true }).filter(
    (one) => one.isFile() && !one.name.startsWith("index.db"),
  )) {
    const bytes = readFileSync(join(path.parentPath, path.name));
    for (const secret of secrets) expect(bytes.includes(secret), path.name).toBe(false);
  }
});

test("a configuration that mixes ways to log in is refused with its reason", async () => {
  const config = join(near.data, "odd.yaml");
  const odd: readonly [string, string][] = [
    ["auth: oauth, headers: { authorization: x }", "are one"],
    ["oauth: { scope: a }", "needs auth: oauth"],
    ["auth: oauth, oauth: { clientSecret: { env: HOME } }", "needs a clientId"],
    ['auth: oauth, oauth: { issuer: "http://login.example" }', "not https"],
  ];
  for (const [more, why] of odd) {
    writeFileSync(config, `sources: [{ kind: mcp, name: odd, url: "https://odd.example/mcp", ${more} }]\n`);
    const { status, stderr } = await run("stdio", near.folder, "--config", config);
    expect([status, stderr]).toEqual([78, expect.stringContaining(why)]);
  }
  expect((await run("upstream", "login", "nobody")).stderr).toContain("auth: oauth");
});
