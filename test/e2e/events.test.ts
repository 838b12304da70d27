import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { connect } from "@portcullis/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Follower, followTopic, logIn, type Wanted } from "../support/follower.ts";
import { eventually } from "../support/guests.ts";
import { ask, type SocketLine } from "../support/socket-line.ts";
import { verifies, verifiesOnce } from "../support/verifies.ts";
import { openWorld, type World } from "../support/world.ts";

let world: World;
const soon = 15_000;

const guests = (allow = '"@served/**"'): string => `
subject: guest
purpose: optional
scopes:
  - { tool: [fs.watch, fs.readFile], allow: [${allow}], deny: ["@served/hidden/**", "**/*.key"], redact: { patterns: ["project-[0-9]+"] } }
`;

beforeAll(async () => {
  world = await openWorld({
    files: { "a.md": "a", "sub/b.md": "b", "sub/x.md": "x", "hidden/c.md": "c" },
    policies: {
      "guest.yaml": guests(),
      "asker.yaml": 'subject: "asker-*"\npurpose: optional\nscopes: [{ tool: fs.stat, allow: ["@served/**"] }]\n',
    },
  });
});
afterAll(() => world?.close());

const put = (path: string, text = "x"): void => writeFileSync(join(world.folder, path), text);
const at = (path: string): string => join(world.folder, path);

const dial = (token: string): Promise<SocketLine> => logIn(world, token);
const follow = (door: string, wanted: Wanted): Promise<Follower> => followTopic(world, door, wanted);

const toldOf = ({ events }: Follower): readonly string[] =>
  events.map(({ data: { kind, path, from } }) =>
    [kind, from?.slice(world.folder.length + 1), path.slice(world.folder.length + 1)].filter(Boolean).join(" "),
  );

describe("files", () => {
  verifies("D1.watch", async (door) => {
    const folder = `watched-${door}`;
    mkdirSync(at(folder));
    mkdirSync(at(`hidden/${door}`));
    const follower = await follow(door, { token: await world.token("guest"), params: { dir: "." } });
    const tell = async (...expected: string[]): Promise<void> => {
      await eventually(soon, () => expect(toldOf(follower)).toEqual(expect.arrayContaining(expected)));
    };
    put(`hidden/${door}/new.md`);
    put(`${folder}/id.key`);
    put(`${folder}/new.md`);
    await tell(`added ${folder}/new.md`);
    put(`${folder}/new.md`, "more");
    await tell(`changed ${folder}/new.md`);
    renameSync(at(`${folder}/new.md`), at(`${folder}/newer.md`));
    await tell(`renamed ${folder}/new.md ${folder}/newer.md`);
    // Whoever may not see one of the names sees a file come or go.
    renameSync(at(`${folder}/newer.md`), at(`hidden/${door}/gone.md`));
    await tell(`removed ${folder}/newer.md`);
    renameSync(at(`hidden/${door}/gone.md`), at(`${folder}/back.md`));
    await tell(`added ${folder}/back.md`);
    expect(toldOf(follower).join("\n")).not.toMatch(/hidden|\.key/);
    // Nothing hidden leaves a hole in the numbers.
    expect(follower.events.map(({ seq }) => seq)).toEqual(
      follower.events.map((_, index) => follower.after + 1 + index),
    );
    await follower.leave();
  });

  verifies("E1.audit", async (door) => {
    const follower = await follow(door, { token: await world.token("guest") });
    put(`audited-${door}.md`);
    await eventually(soon, () => expect(toldOf(follower)).toContain(`added audited-${door}.md`));
    const { auditId } = follower.events.find(({ data }) => data.path.endsWith(`audited-${door}.md`)) ?? {};
    const record = (await world.audit()).find(({ id }) => id === auditId);
    expect(record).toMatchObject({ kind: "event", tool: "fs.watch", subject: "guest", outcome: "ok" });
    expect(record?.resources).toContain(`file://${at(`audited-${door}.md`)}`);
    await follower.leave();
  });

  test("a glob narrows what is told", async () => {
    const follower = await follow("http", { token: await world.token("guest"), params: { dir: "sub", glob: "*.txt" } });
    put("sub/no.md");
    put("sub/yes.txt");
    await eventually(soon, () => expect(toldOf(follower)).toEqual(["added sub/yes.txt"]));
    await follower.leave();
  });
});

describe("coming back", () => {
  verifies("E1.resume", async (door) => {
    const token = await world.token("guest");
    const first = await follow(door, { token, params: { dir: ".", glob: `r-${door}-*` } });
    put(`r-${door}-1`);
    await eventually(soon, () => expect(first.events).toHaveLength(1));
    await first.leave();
    put(`r-${door}-2`);
    const resume = { subscription: first.subscription, after: first.after };
    const again = await follow(door, { token, params: { dir: ".", glob: `r-${door}-*` }, resume });
    await eventually(soon, () => expect(again.events).toHaveLength(2));
    expect(toldOf(again)).toEqual([`added r-${door}-1`, `added r-${door}-2`]);
    expect(again.events.map(({ seq }) => seq)).toEqual([first.after + 1, first.after + 2]);
    expect([again.subscription, again.missed]).toEqual([first.subscription, []]);
    await again.leave();
    // Another token of the same subject, and other parameters, are as good as strangers: they begin anew, and are told what they do not get.
    for (const other of [
      { token: await world.token("guest"), params: { dir: ".", glob: `r-${door}-*` } },
      { token, params: { dir: "." } },
    ]) {
      const stranger = await follow(door, { ...other, resume });
      expect(stranger.subscription).not.toBe(first.subscription);
      await eventually(soon, () => expect(stranger.missed).toHaveLength(1));
      expect(stranger.missed[0]).toMatchObject({ from: first.after + 1, reason: "forgotten" });
      await stranger.leave();
    }
  });

  verifies("E1.restart", async (door) => {
    const token = await world.token("guest");
    const before = await follow(door, { token });
    put(`k-${door}`);
    await eventually(soon, () => expect(before.events.length).toBeGreaterThan(0));
    const last = before.events.at(-1)?.seq ?? 0;
    await world.restart("SIGKILL");
    await before.gone;
    const resume = { subscription: before.subscription, after: last };
    const after = await follow(door, { token, resume });
    await eventually(soon, () => expect(after.missed).toHaveLength(1));
    expect(after.missed[0]).toMatchObject({ from: last + 1, reason: "forgotten" });
    put(`k2-${door}`);
    await eventually(soon, () => expect(toldOf(after)).toContain(`added k2-${door}`));
    // The gap ends where the first event begins.
    expect(after.events[0]?.seq).toBe((after.missed[0]?.to ?? 0) + 1);
    await after.leave();
  });
});

describe("what ends a subscription", () => {
  verifies("E1.withdrawn", async (door) => {
    const token = await world.token("guest");
    const follower = await follow(door, { token, params: { dir: "sub" } });
    const other = await follow(door, { token, params: { dir: "." } });
    world.policy("guest.yaml", guests('"@served/*.md"'));
    // Silent as its folder is, it ends; and what is still allowed goes on.
    await eventually(soon, () => expect(follower.ended).toMatchObject([{ code: "PERMISSION_DENIED" }]));
    put("sub/withdrawn.md");
    put(`still-${door}.md`);
    await eventually(soon, () => expect(toldOf(other)).toContain(`added still-${door}.md`));
    expect(toldOf(other).join()).not.toContain("withdrawn");
    world.policy("guest.yaml", guests());
    await follower.leave();
    await other.leave();
    // The next one begins with what all may.
    await eventually(soon, async () => (await follow(door, { token, params: { dir: "sub" } })).leave());
  });

  verifies("E1.revoked", async (door) => {
    const name = `events-${door}`;
    const made = await world.run("token", "create", name, "--subject", "guest", "--json");
    const follower = await follow(door, { token: (JSON.parse(made.stdout) as { token: string }).token });
    expect((await world.run("token", "revoke", name)).status).toBe(0);
    const end = await follower.gone;
    if (door === "websocket") expect(end).toBe(4401);
    else expect(follower.ended).toMatchObject([{ code: "UNAUTHENTICATED", close: 4401 }]);
  });

  verifies("E1.bad-input", async (door) => {
    const token = await world.token("guest");
    const code = async (wanted: Omit<Wanted, "token">): Promise<string> => {
      if (door === "websocket") {
        const line = await dial(token);
        line.send(ask(2, "events.subscribe", { topic: "fs.watch", params: { dir: "." }, ...wanted }));
        const { result, error } = await line.next();
        line.socket.close();
        return result?.code ?? error?.data.code ?? "ok";
      }
      const { topic = "fs.watch", params = { dir: "." }, resume } = wanted;
      const headers = {
        authorization: `Bearer ${token}`,
        ...(resume && { "last-event-id": `${resume.subscription}:${resume.after}` }),
      };
      const response = await fetch(`${world.listening.http}/v1/events?${new URLSearchParams({ topic, ...params })}`, {
        headers,
      });
      return ((await response.json()) as { code: string }).code;
    };
    expect(await code({ topic: "fs.wach" })).toBe("NOT_FOUND");
    expect(await code({ params: {} })).toBe("VALIDATION_ERROR");
    expect(await code({ params: { dir: ".", depth: "1" } })).toBe("VALIDATION_ERROR");
    expect(await code({ params: { dir: "../.." } })).toBe("PERMISSION_DENIED");
    expect(await code({ params: { dir: "none" } })).toBe("NOT_FOUND");
    expect(await code({ params: { dir: "a.md" } })).toBe("VALIDATION_ERROR");
    expect(await code({ params: { dir: "hidden" } })).toBe("PERMISSION_DENIED");
    expect(await code({ params: { dir: "/etc" } })).toBe("PERMISSION_DENIED");
    expect(await code({ resume: { subscription: "sub_x", after: Number.MAX_SAFE_INTEGER } })).toBe("INVALID_PARAMS");
    expect(await code({ topic: "index.progress", params: {} })).toBe("PERMISSION_DENIED");
  });

  test("a connection has so many subscriptions and no more, and one that is ended makes room", async () => {
    const line = await dial(await world.token("guest"));
    const subscribe = (id: number): void =>
      line.send(ask(id, "events.subscribe", { topic: "policy.changed", params: {} }));
    for (let id = 0; id < 64; id++) {
      subscribe(id);
      expect((await line.next()).result.subscription).toMatch(/^sub_/);
    }
    subscribe(64);
    const { result } = await line.next();
    expect(result).toMatchObject({ code: "RATE_LIMITED", details: { bucket: "connection", capacity: 64 } });
    line.send(ask(65, "events.unsubscribe", { subscription: "sub_none" }));
    expect((await line.next()).result.code).toBe("NOT_FOUND");
    line.socket.close();
  });
});

describe("a slow reader", () => {
  verifiesOnce("E1.slow", async () => {
    const token = await world.token("guest");
    const params = { dir: ".", glob: "burst-*" };
    const first = await follow("websocket", { token, params });
    await first.leave();
    mkdirSync(at("burst"));
    for (let number = 0; number < 1_200; number++) put(`burst/burst-${number}`);
    const resume = { subscription: first.subscription, after: first.after };
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    const again = await follow("websocket", { token, params, resume });
    // Every file is told or is within what was told as missed.
    await eventually(soon, () => {
      const missed = again.missed.reduce((sum, { from, to }) => sum + to - from + 1, 0);
      expect(again.events.length + missed).toBe(1_200);
    });
    expect(again.missed).toMatchObject([{ reason: "slow", from: first.after + 1 }]);
    expect(again.events.length).toBeLessThanOrEqual(512);
    await again.leave();
    rmSync(at("burst"), { recursive: true });
  });
});

describe("other topics", () => {
  verifies("E1.policy", async (door) => {
    const guest = await follow(door, { token: await world.token("guest"), topic: "policy.changed", params: {} });
    const owner = await follow(door, { token: world.ownerToken, topic: "policy.changed", params: {} });
    world.policy("other.yaml", `subject: "nobody-${door}"\nscopes: [{ tool: fs.list, allow: ["@served/**"] }]\n`);
    await eventually(soon, () => expect([guest.events.length, owner.events.length]).toEqual([1, 1]));
    expect(guest.events[0]?.data).toEqual({});
    expect(owner.events[0]?.data).toMatchObject({ hash: expect.stringMatching(/^[0-9a-f]{64}$/) });
    await Promise.all([guest.leave(), owner.leave()]);
  });

  verifies("E1.consent", async (door) => {
    const token = await world.token(`asker-${door}`);
    const [mine, others, owners] = await Promise.all([
      follow(door, { token, topic: "consent.decided", params: {} }),
      follow(door, { token: await world.token(`asker-${door}`), topic: "consent.decided", params: {} }),
      follow(door, { token: world.ownerToken, topic: "consent.decided", params: {} }),
    ]);
    const response = await fetch(`${world.listening.http}/v1/tools/call`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ name: "fs.list", args: { dir: `sub`, glob: `${door}.*` }, trace: { purpose: "see" } }),
    });
    const { details } = (await response.json()) as { details: { consent: { id: string } } };
    expect(await world.run("consent", "answer", details.consent.id, "deny")).toMatchObject({ status: 0 });
    await eventually(soon, () => expect([mine.events.length, owners.events.length]).toEqual([1, 1]));
    expect(mine.events[0]?.data).toMatchObject({ id: details.consent.id, state: "denied", tool: "fs.list" });
    expect(others.events).toEqual([]);
    await Promise.all([mine.leave(), others.leave(), owners.leave()]);
  });

  test("the owner follows indexing by numbers", async () => {
    const owner = await follow("http", {
      token: world.ownerToken,
      topic: "index.progress",
      params: { purpose: "to see" },
    });
    await eventually(soon, () =>
      expect(owner.events[0]?.data).toMatchObject({ state: expect.any(String), total: expect.any(Number) }),
    );
    await owner.leave();
  });
});

describe("clients", () => {
  test("the client package follows a folder over a lost connection", async () => {
    const client = await connect({ url: world.listening.websocket, token: await world.token("guest") });
    const told: string[] = [];
    const missed: unknown[] = [];
    const followed = await client.subscribe(
      "fs.watch",
      { dir: ".", glob: "client-*" },
      {
        event: ({ data }) => void told.push(String(data.path).slice(world.folder.length + 1)),
        missed: (gap) => void missed.push(gap),
      },
    );
    put("client-1");
    await eventually(soon, () => expect(told).toEqual(["client-1"]));
    await world.restart("SIGKILL");
    await eventually(soon, () => expect(missed).toHaveLength(1));
    put("client-2");
    await eventually(soon, () => expect(told).toEqual(["client-1", "client-2"]));
    await followed.close();
    await client.close();
  });

  const revisions = { "2025-11-25": {}, "2026-07-28": { versionNegotiation: { mode: { pin: "2026-07-28" } } } };
  test.each(Object.entries(revisions))(
    "an MCP client of %s is told of a resource and of the policy",
    async (revision, options) => {
      const told: string[] = [];
      const client = new Client({ name: "watcher", version: "1" }, {
        ...options,
        listChanged: { tools: { onChanged: () => void told.push("tools") } },
      } as never);
      const authorization = `Bearer ${await world.token("guest")}`;
      await client.connect(
        new StreamableHTTPClientTransport(new URL(world.listening.mcp), {
          requestInit: { headers: { authorization } },
        }),
      );
      client.setNotificationHandler("notifications/resources/updated", ({ params }) => void told.push(params.uri));
      const uri = `file://${at("sub/b.md")}`;
      if (revision === "2025-11-25") await client.subscribeResource({ uri });
      else await client.listen({ toolsListChanged: true, resourceSubscriptions: [uri] } as never);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      put("sub/other.md", revision);
      put("sub/b.md", `changed for ${revision}`);
      await eventually(soon, () => expect(told).toContain(uri));
      expect(told.filter((one) => one !== uri)).toEqual([]);
      world.policy("again.yaml", `subject: "nobody-${revision}"\nscopes: [{ tool: fs.list, allow: ["@served/**"] }]\n`);
      await eventually(soon, () => expect(told).toContain("tools"));
      await client.close();
    },
  );
});
