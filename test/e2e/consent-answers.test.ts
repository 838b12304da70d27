import { Client, SSEClientTransport, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { connect } from "@portcullis/client";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { type Answer, stdioTransport } from "../support/doors.ts";
import { eventually } from "../support/guests.ts";
import type { DoorName } from "../support/requirement.ts";
import { verifies, verifiesOnce } from "../support/verifies.ts";
import { openWorld, type World } from "../support/world.ts";

let world: World;
const openMs = 15_000;

beforeAll(async () => {
  world = await openWorld({
    files: { "todo.md": "# To do\n\nWater the plants.\n", "plans/garden.md": "# Garden\n\nPlant a walnut.\n" },
    settings: `consent: { openMs: ${openMs} }\nlimits: { turnCalls: 5000, turnCeiling: 50000 }\n`,
  });
});
afterAll(() => world?.close());

const garden = { path: "notes/plans/garden.md" };
type Reply = Readonly<Record<string, never>> & {
  readonly state?: string;
  readonly code?: string;
  readonly details?: { readonly reason?: string };
  readonly grant?: { readonly id: string };
};
/** A method of consent, as a subject's token or the owner's. */
type Ask = (method: string, params?: Record<string, unknown>) => Promise<Reply>;

async function asking(door: DoorName, token: string, body: (ask: Ask) => Promise<void>): Promise<void> {
  if (door === "http") {
    return body(async (method, params = {}) => {
      const url = `${world.listening.http}/v1/${method.replace(".", "/")}`;
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
      return (await (await fetch(url, { method: "POST", headers, body: JSON.stringify(params) })).json()) as Reply;
    });
  }
  const client = await connect({ url: world.listening.websocket, token });
  try {
    await body(async (method, params = {}) => {
      try {
        return (await client.request(method as "consent.list", params)) as never;
      } catch (error) {
        const { code, details } = error as { code: string; details: never };
        return { code, details } as never;
      }
    });
  } finally {
    await client.close();
  }
}

let subjects = 0;
/** Someone new who was refused the garden, with the request's id. */
async function refused(): Promise<{ token: string; subject: string; id: string; call(): Promise<Answer> }> {
  const subject = `${++subjects}@strange`;
  const token = await world.token(subject);
  const call = async (): Promise<Answer> => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const body = JSON.stringify({ name: "fs.readFile", args: garden, trace: { purpose: "to see" } });
    return (await (
      await fetch(`${world.listening.http}/v1/tools/call`, { method: "POST", headers, body })
    ).json()) as Answer;
  };
  const { details } = await call();
  return { token, subject, id: details.consent.id as string, call };
}

describe("answers of the owner", () => {
  verifies("C1.answers", async (door) => {
    const one = await refused();
    const other = await refused();
    await asking(door, other.token, async (ask) => {
      // Another's request is as good as none, and nobody but the owner answers.
      expect(await ask("consent.status", { id: one.id })).toMatchObject({ code: "NOT_FOUND" });
      for (const [method, params] of [
        ["consent.answer", { id: other.id, answer: "allow" }],
        ["consent.list", {}],
        ["consent.grants", {}],
        ["consent.withdraw", { id: "x" }],
      ] as const)
        expect(await ask(method, params)).toMatchObject({
          code: "PERMISSION_DENIED",
          details: { reason: "not_owner" },
        });
      expect(await ask("consent.status", { id: other.id })).toMatchObject({ id: other.id, state: "open" });
    });
    await asking(door, world.ownerToken, async (ask) => {
      const { requests } = (await ask("consent.list")) as never as { requests: Record<string, unknown>[] };
      expect(requests).toContainEqual(
        expect.objectContaining({
          id: one.id,
          subject: one.subject,
          purpose: "to see",
          tool: "fs.readFile",
          egress: false,
        }),
      );
      for (const [params, at] of [
        [{ id: one.id, answer: "perhaps" }, "params.answer"],
        [{ id: one.id, answer: "allow", for: 5 }, "params.for"],
        [{ id: one.id, answer: "deny", for: "always" }, "answer"],
        [{ id: one.id, answer: "allow", resource: "/etc/**" }, "resource"],
        [{ id: one.id, answer: "allow", folder: true, for: 3_600_000, resource: `${world.folder}/**` }, "resource"],
        [{ id: one.id, answer: "allow", resource: "relative" }, "resource"],
        [{ id: one.id }, "params"],
      ] as const)
        expect(await ask("consent.answer", params), at).toMatchObject({ code: "INVALID_PARAMS" });
      expect(await ask("consent.answer", { id: "none", answer: "deny" })).toMatchObject({ code: "NOT_FOUND" });
      // Of answers at once one counts.
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, n) =>
          ask("consent.answer", {
            id: one.id,
            answer: n % 2 ? "deny" : "allow",
            ...(n % 2 === 0 && { for: "always" }),
          }),
        ),
      );
      expect(answers.filter(({ code }) => code === undefined)).toHaveLength(1);
      expect(answers.find(({ code }) => code !== undefined)).toMatchObject({
        code: "INVALID_PARAMS",
        details: { reason: "answered" },
      });
      // Who waits is told at once; who answers too late is told so.
      await asking(door, other.token, async (wait) => {
        const told = wait("consent.status", { id: other.id, waitMs: 30_000 });
        await ask("consent.answer", { id: other.id, answer: "deny" });
        expect(await told).toMatchObject({ state: "denied", chose: "deny" });
      });
      const late = await refused();
      await eventually(openMs + 10_000, async () =>
        expect(await ask("consent.status", { id: late.id })).toMatchObject({ state: "expired" }),
      );
      expect(await ask("consent.answer", { id: late.id, answer: "allow" })).toMatchObject({
        code: "INVALID_PARAMS",
        details: { reason: "expired" },
      });
      expect((await late.call()).ok).toBe(false);
      // A client that holds the owner's token does not answer itself.
      const own = await fetch(`${world.listening.http}/v1/tools/call`, {
        method: "POST",
        headers: { authorization: `Bearer ${world.ownerToken}`, "content-type": "application/json" },
        body: JSON.stringify({
          name: "http.fetch",
          args: { url: `https://example.com/${door}` },
          trace: { purpose: "x" },
        }),
      });
      const { details } = (await own.json()) as Answer;
      expect(await ask("consent.answer", { id: details.consent.id, answer: "allow" })).toMatchObject({
        code: "PERMISSION_DENIED",
        details: { reason: "own_request" },
      });
      await world.run("consent", "answer", details.consent.id, "deny");
    });
  });

  verifiesOnce("C1.console", async () => {
    const one = await refused();
    expect(await world.run("consent", "list")).toMatchObject({ status: 0, stdout: expect.stringContaining(one.id) });
    for (const [args, status] of [
      [["fly"], 64],
      [["answer", "ID"], 64],
      [["answer", "ID", "maybe"], 64],
      [["answer", "ID", "allow", "--once", "--always"], 64],
      [["answer", "ID", "allow", "--for", "soon"], 64],
      [["answer", "ID", "allow", "--resource", "/**"], 64],
      [["answer", "none", "deny"], 1],
      [["show", "none"], 1],
      [["withdraw", "none"], 1],
    ] as const) {
      // One that was just asked: on a busy machine an older one may be over.
      const { id, call } = await refused();
      const command = args.map((arg) => (arg === "ID" ? id : arg));
      expect(await world.run("consent", ...command), command.join(" ")).toMatchObject({ status });
      expect(await call()).toMatchObject({ ok: false });
    }
    const two = await refused();
    expect(await world.run("consent", "answer", two.id, "allow", "--for", "1d", "--purpose", "to see")).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("garden.md"),
    });
    expect(await two.call()).toMatchObject({ ok: true });
    expect(await world.run("consent", "answer", two.id, "deny")).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("answered already"),
    });
    expect(await world.run("consent", "grants")).toMatchObject({ stdout: expect.stringContaining("«to see»") });
    const { stdout } = await world.run(
      ...["policy", "explain", two.subject, "fs.readFile", `${world.folder}/plans/garden.md`, "--purpose", "to see"],
    );
    expect(stdout).toMatch(/grant:\w{26}.*another client/);
  });

  verifiesOnce("C1.search", async () => {
    const token = await world.token(`${++subjects}@strange`);
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const post = async (): Promise<Answer> => {
      const body = JSON.stringify({ name: "search", args: { query: "plant" }, trace: { purpose: "to see" } });
      return (await (
        await fetch(`${world.listening.http}/v1/tools/call`, { method: "POST", headers, body })
      ).json()) as Answer;
    };
    const tools = async (): Promise<string> => (await fetch(`${world.listening.http}/v1/tools`, { headers })).text();
    const { details } = await post();
    expect(details.consent.offers).not.toContain("folder-hour");
    expect(await tools()).not.toContain('"search"');
    const narrowed = ["--for", "5s", "--resource", "@notes/plans/**"];
    expect(await world.run("consent", "answer", details.consent.id, "allow", ...narrowed)).toMatchObject({ status: 0 });
    const found = await post();
    expect(found.result.results.map(({ title }: { title: string }) => title)).toEqual(["Garden"]);
    expect(await tools()).toContain('"search"');
    await eventually(15_000, async () => expect(await post()).toMatchObject({ code: "PERMISSION_DENIED" }));
    expect(await tools()).not.toContain('"search"');
  });

  verifiesOnce("C2.restart", async () => {
    const [allowed, open] = [await refused(), await refused()];
    await world.run("consent", "answer", allowed.id, "allow", "--always");
    await world.restart();
    expect(await allowed.call()).toMatchObject({ ok: true });
    expect((await open.call()).details.consent).toMatchObject({ id: open.id });
    await world.run("consent", "answer", open.id, "deny");
  });

  verifiesOnce("C2.audit", async () => {
    const one = await refused();
    await world.run("consent", "answer", one.id, "allow", "--once");
    expect(await one.call()).toMatchObject({ ok: true });
    const two = await refused();
    const { stdout } = await world.run("consent", "answer", two.id, "allow", "--for", "1s", "--json");
    const { grant } = JSON.parse(stdout) as { grant: { id: string } };
    const three = await refused();
    const held = JSON.parse((await world.run("consent", "answer", three.id, "allow", "--always", "--json")).stdout) as {
      grant: { id: string };
    };
    const kept = held.grant.id;
    await world.run("consent", "withdraw", kept);
    const four = await refused();
    await eventually(openMs + 10_000, async () => {
      const records = await world.audit();
      const of = (method: string, id: string) =>
        records.filter((record) => record.method === method && (JSON.stringify(record.args) ?? "").includes(id));
      expect(of("consent.opened", one.id)).toMatchObject([
        { subject: one.subject, tool: "fs.readFile", outcome: "ok" },
      ]);
      expect(of("consent.answer", one.id)).toMatchObject([
        { kind: "intent", reason: "owner, cli" },
        { kind: "method", outcome: "ok", args: { chose: "allow once" } },
      ]);
      expect(records).toContainEqual(
        expect.objectContaining({
          kind: "call",
          subject: one.subject,
          outcome: "ok",
          scope: expect.stringContaining("grant:"),
        }),
      );
      expect(of("consent.ended", grant.id)).toHaveLength(1);
      expect(of("consent.withdraw", kept)).toHaveLength(2);
      expect(of("consent.expired", four.id)).toHaveLength(1);
    });
    // Each answer was begun and ended: nothing of it is left open.
    const verified = await world.run("audit", "verify");
    expect(verified.status, verified.stdout).toBe(0);
  });

  verifiesOnce("C2.sealed", async () => {
    const tokens = [await world.token(`${++subjects}@strange`), await world.token(`${subjects}@strange`)] as const;
    const call = async (token: string, path: string, round: Record<string, unknown> = {}) => {
      const response = await fetch(world.listening.mcp, {
        method: "POST",
        headers: {
          ...{ authorization: `Bearer ${token}`, "content-type": "application/json", accept: "application/json" },
          ...{ "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "fs_readFile" },
        },
        body: JSON.stringify({
          ...{ jsonrpc: "2.0", id: 1, method: "tools/call" },
          params: {
            ...{ name: "fs_readFile", arguments: { path, purpose: "to see" }, ...round },
            _meta: {
              "io.modelcontextprotocol/protocolVersion": "2026-07-28",
              "io.modelcontextprotocol/clientInfo": { name: "raw", version: "1" },
              "io.modelcontextprotocol/clientCapabilities": { elicitation: { url: {} } },
            },
          },
        }),
      });
      return (await response.json()) as {
        readonly result?: { readonly resultType: string; readonly requestState: string; readonly isError?: boolean };
        readonly error?: { readonly code: number };
      };
    };
    const [mine, other] = tokens;
    const { path } = garden;
    const { result } = await call(mine, path);
    expect(result).toMatchObject({
      resultType: "input_required",
      inputRequests: { owner: { method: "elicitation/create", params: { mode: "url" } } },
    });
    const requestState = result?.requestState ?? "";
    const inputResponses = { owner: { action: "decline" } };
    const round = { requestState, inputResponses };
    expect(await call(mine, path, round)).toMatchObject({ result: { isError: true } });
    const changed = `${requestState.slice(0, 40)}${requestState[40] === "A" ? "B" : "A"}${requestState.slice(41)}`;
    for (const wrong of [
      await call(mine, `${path} `, round),
      await call(other, path, round),
      await call(mine, path, { ...round, requestState: changed }),
      await call(mine, path, { ...round, requestState: "" }),
      await call(mine, path, { ...round, requestState: 7 }),
    ])
      expect(wrong).toMatchObject({ error: { code: -32602 } });
  });

  verifies("C2.elicitation", async (door) => {
    const subject = `${++subjects}@strange`;
    const token = await world.token(subject);
    const requestInit = { headers: { Authorization: `Bearer ${token}` } };
    const transport =
      door === "mcp-stdio"
        ? stdioTransport(world, ["--subject", subject])
        : door === "mcp-sse"
          ? new SSEClientTransport(new URL(world.listening.sse), { requestInit })
          : new StreamableHTTPClientTransport(new URL(world.listening.mcp), { requestInit });
    const client = new Client(
      { name: "opens-pages", version: "1" },
      {
        capabilities: { elicitation: { url: {} } },
        ...(door === "mcp-http" && { versionNegotiation: { mode: { pin: "2026-07-28" } } }),
      },
    );
    const pages: string[] = [];
    let then: (id: string) => Promise<"accept" | "decline"> = async () => "decline";
    client.setRequestHandler("elicitation/create", async ({ params }) => {
      const { url } = params as { url: string };
      pages.push(url);
      return { action: await then(url.slice(url.lastIndexOf("/") + 1)) };
    });
    await client.connect(transport);
    try {
      const call = async (): Promise<{ isError?: boolean }> =>
        (await client.callTool({ name: "fs_readFile", arguments: { ...garden, purpose: "to see" } })) as never;
      expect((await call()).isError).toBe(true);
      expect(pages).toEqual([expect.stringMatching(new RegExp(`^${world.listening.http}/consent/[0-9A-Z]{26}$`))]);
      // The client's accept is nobody's answer: the owner's no stands.
      then = async (id) => {
        await world.run("consent", "answer", id, "deny");
        return "accept";
      };
      expect((await call()).isError).toBe(true);
      // When the first request is over the same call is asked anew, and the owner says yes while the call waits.
      then = async (id) => {
        setTimeout(() => void world.run("consent", "answer", id, "allow"), 300);
        return "accept";
      };
      await eventually(openMs + 20_000, async () => expect((await call()).isError).toBeFalsy());
      then = async () => "decline";
      expect((await call()).isError).toBe(true);
    } finally {
      await client.close();
    }
  });
});
