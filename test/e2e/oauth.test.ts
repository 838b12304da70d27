import { statSync } from "node:fs";
import { join } from "node:path";
import { connect } from "@portcullis/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { enter } from "../support/doors.ts";
import { createBrowser, offeredTools, readForm } from "../support/oauth/browser.ts";
import {
  answer,
  authorizationUrl,
  createProofKey,
  letIn,
  logIn,
  post,
  redirectUri,
  refresh,
  register,
  signIn,
  statusOf,
} from "../support/oauth/login.ts";
import { verifiesOnce } from "../support/verifies.ts";
import { openWorld, type World } from "../support/world.ts";

let world: World;

beforeAll(async () => {
  world = await openWorld({
    settings: "limits: { turnCalls: 1000 }\n",
    policies: {
      "helper.yaml": `
subject: helper
purpose: optional
scopes:
  - { tool: [fs.readFile, fs.list], allow: ["@served/**"], deny: ["@served/diary/**"] }
  - { tool: http.fetch, allow: ["https://example.org/**"] }
`,
    },
  });
});
afterAll(() => world?.close());

const json = async (path: string, headers: Record<string, string> = {}) => {
  const response = await fetch(`${world.listening.http}${path}`, { headers });
  // biome-ignore lint/suspicious/noExplicitAny: documents of the standards
  return { status: response.status, headers: response.headers, body: (await response.json()) as any };
};

/** One MCP request of the stateless revision. */
const mcp = (token: string | undefined, method: string, params: Record<string, unknown> = {}) => {
  const name = (params as { name?: string }).name;
  const meta = { protocolVersion: "2026-07-28", clientCapabilities: {}, clientInfo: { name: "t", version: "1" } };
  const _meta = Object.fromEntries(
    Object.entries(meta).map(([key, value]) => [`io.modelcontextprotocol/${key}`, value]),
  );
  return fetch(world.listening.mcp, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": method,
      ...(name && { "mcp-name": name }),
      ...(token && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: { ...params, _meta } }),
  });
};

describe("discovery", () => {
  test.each([
    ["/mcp", "/mcp"],
    ["/sse/", "/sse/"],
    ["/sse", "/sse"],
  ])("a stranger at %s is told where to log in", async (path, suffix) => {
    const response = await fetch(`${world.listening.http}${path}`, { headers: { accept: "text/event-stream" } });
    expect(response.status).toBe(401);
    const challenge = response.headers.get("www-authenticate");
    expect(challenge).toBe(
      `Bearer realm="portcullis", scope="mcp:read", resource_metadata="${world.listening.http}/.well-known/oauth-protected-resource${suffix}"`,
    );
    const { body } = await json(`/.well-known/oauth-protected-resource${suffix}`);
    expect(body.resource).toBe(world.listening.http + suffix);
    expect(body.authorization_servers).toEqual([world.listening.http]);
  });

  test("under another of its names, the resource is the one that the client knows, and the issuer is the same", async () => {
    const local = world.listening.http.replace("127.0.0.1", "localhost");
    const { body } = await (async () => {
      const response = await fetch(`${local}/.well-known/oauth-protected-resource/mcp`);
      return { body: (await response.json()) as { resource: string; authorization_servers: string[] } };
    })();
    expect(body.resource).toBe(`${local}/mcp`);
    expect(body.authorization_servers).toEqual([world.listening.http]);
    const metadata = (await (await fetch(`${local}/.well-known/oauth-authorization-server`)).json()) as Record<
      string,
      string
    >;
    expect(metadata.issuer).toBe(world.listening.http);
    expect(metadata.token_endpoint).toBe(`${world.listening.http}/oauth/token`);
  });

  test("the metadata says what is served, and no more", async () => {
    for (const path of ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"]) {
      const { status, body } = await json(path);
      expect(status).toBe(200);
      expect(body).toMatchObject({
        issuer: world.listening.http,
        response_types_supported: ["code"],
        response_modes_supported: ["query"],
        grant_types_supported: ["authorization_code", "refresh_token"],
        code_challenge_methods_supported: ["S256"],
        token_endpoint_auth_methods_supported: ["none", "private_key_jwt"],
        client_id_metadata_document_supported: true,
        authorization_response_iss_parameter_supported: true,
      });
    }
  });

  test("the keys are the server's own, and nobody else may read them", async () => {
    const { body } = await json("/oauth/jwks");
    expect(body.keys).toHaveLength(1);
    expect(body.keys[0]).not.toHaveProperty("d");
    expect(statSync(join(world.data, "oauth-keys.json")).mode & 0o777).toBe(0o600);
  });
});

describe("the page that asks the owner", () => {
  test("says what the client could reach, opens what only reads, and grants that", async () => {
    const clientId = await register(world, { client_name: "Duck <b>Reader</b>\u202e" });
    const { challenge } = createProofKey();
    const browser = createBrowser();
    const first = await browser.visit(authorizationUrl(world, { clientId, challenge }), { crossSite: true });
    expect(first.status).toBe(401);
    expect(first.html).not.toContain("fs.readFile");
    const page = await signIn(world, browser, first);
    expect(page.status).toBe(200);
    expect(page.html).toContain("Duck &lt;b&gt;Reader&lt;/b&gt;");
    expect(page.html).not.toContain("\u202e");
    expect(page.html).toContain("nobody has checked it");
    expect(page.html).toContain("<code>@served/**</code>");
    expect(page.html).toContain(world.folder);
    expect(page.html).not.toMatch(/<script|\son\w+=|\sstyle=/i);
    const policy = page.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("form-action 'self' http://127.0.0.1:4567");
    expect(page.headers.get("x-frame-options")).toBe("DENY");
    expect(readForm(page.html).getAll("tool")).toEqual(offeredTools(page.html));
    const left = await answer(browser, page);
    expect(left.url.searchParams.get("code")).toMatch(/^[\w-]{40,}$/);
    expect(left.url.searchParams.get("state")).toBe("state-1");
    expect(left.url.searchParams.get("iss")).toBe(world.listening.http);
  });

  test("shows another subject before it grants it, and what sends is not ticked", async () => {
    const clientId = await register(world);
    const browser = createBrowser();
    const url = authorizationUrl(world, {
      clientId,
      challenge: createProofKey().challenge,
      params: { scope: "mcp:read mcp:write" },
    });
    const page = await signIn(world, browser, await browser.visit(url));
    const again = await answer(browser, page, { fields: { subject: "helper" } });
    expect(again.status).toBe(422);
    expect(again.html).toContain("This is what helper reaches");
    expect(again.html).toContain("<code>@served/diary/**</code>");
    expect(offeredTools(again.html)).toEqual(["fs.list", "fs.readFile", "http.fetch"]);
    expect(readForm(again.html).getAll("tool")).toEqual(["fs.list", "fs.readFile"]);
    const none = await answer(browser, again, { tools: [] });
    expect(none.status).toBe(422);
    const left = await answer(browser, none, { tools: ["fs.list", "git.log"], fields: { name: "narrow" } });
    expect(left.status).toBe(0);
    const { stdout } = await world.run("token", "list", "--json");
    const { tokens } = JSON.parse(stdout) as {
      tokens: { name: string; subject: string; client?: { tools: string[] } }[];
    };
    // A tool that policy does not open to the subject is not granted, whatever the form says.
    expect(tokens.find(({ name }) => name === "narrow")).toMatchObject({
      subject: "helper",
      client: { tools: ["fs.list"] },
    });
  });

  test("refuses for the owner, and records it", async () => {
    const clientId = await register(world, { client_name: "Turned away" });
    const left = await letIn(world, authorizationUrl(world, { clientId, challenge: createProofKey().challenge }), {
      decision: "refuse",
    });
    expect(left.searchParams.get("error")).toBe("access_denied");
    expect(left.searchParams.get("iss")).toBe(world.listening.http);
    const decisions = (await world.audit()).filter(({ method }) => method === "oauth.decide");
    expect(decisions.at(-1)).toMatchObject({
      subject: "owner",
      args: { answer: "refuse", name: "Turned away", redirect: redirectUri },
    });
  });

  test("opens to the owner alone", async () => {
    const clientId = await register(world);
    const browser = createBrowser();
    const first = await browser.visit(authorizationUrl(world, { clientId, challenge: createProofKey().challenge }));
    const form = readForm(first.html);
    form.set("token", await world.token("owner"));
    const refused = await browser.visit(`${world.listening.http}/oauth/login`, { form });
    expect(refused.status).toBe(403);
    expect((await browser.visit(first.url)).status).toBe(401);
  });
});

describe("an access token", () => {
  // It is a caller on every door, with the subject and tools that were granted.
  verifiesOnce("A2.login", async () => {
    const { access, scope } = await logIn(world, { tools: ["fs.readFile", "search"] });
    expect(scope).toBe("mcp:read");
    for (const door of ["http", "mcp-http", "mcp-http-legacy", "mcp-sse", "websocket"] as const) {
      const guest = await enter(door, world, { token: access, subject: "owner" });
      try {
        expect((await guest.tools()).map(({ name }) => name.replaceAll("_", ".")).sort(), door).toEqual([
          "fs.readFile",
          "search",
        ]);
        const read = await guest.call("fs.readFile", { path: join(world.folder, "todo.md") });
        expect(read.ok, door).toBe(true);
        const list = await guest.call("fs.list", { dir: world.folder });
        expect(list, door).toMatchObject({ ok: false, code: "PERMISSION_DENIED", details: { reason: "grant" } });
      } finally {
        await guest.close();
      }
    }
  });

  test("asks for more where its scope is what is missing", async () => {
    const { access, clientId } = await logIn(world, { params: { scope: undefined } });
    const refused = await mcp(access, "tools/call", { name: "http_fetch", arguments: { url: "https://example.org/" } });
    expect(refused.status).toBe(403);
    const challenge = refused.headers.get("www-authenticate") ?? "";
    expect(challenge).toContain('error="insufficient_scope"');
    expect(challenge).toContain('scope="mcp:read mcp:write"');
    expect(challenge).toContain("resource_metadata=");
    const more = await logIn(world, {
      clientId,
      params: { scope: "mcp:read mcp:write" },
      tools: ["fs.readFile"],
    });
    // The owner left it out: to ask again would not help.
    expect(more.scope).toBe("mcp:read");
  });

  test("with less than was granted opens no session for all of it", async () => {
    const { access } = await logIn(world);
    const first = await connect({ url: world.listening.websocket, token: access });
    await first.close();
    expect(await statusOf(world, `${access}x`)).toBe(401);
    const stranger = await mcp("pca_unknown", "tools/list");
    expect(stranger.status).toBe(401);
    expect(stranger.headers.get("www-authenticate")).toContain('error="invalid_token"');
  });

  test("ends with its grant, at once and on open connections", async () => {
    const { access, refresh: token, clientId } = await logIn(world, { fields: { name: "short-lived" } });
    const client = await connect({ url: world.listening.websocket, token: access });
    expect((await client.tools()).tools.length).toBeGreaterThan(0);
    expect((await world.run("token", "revoke", "short-lived")).status).toBe(0);
    expect(await statusOf(world, access)).toBe(401);
    await expect(client.tools()).rejects.toThrow();
    await client.close();
    expect(await refresh(world, clientId, token)).toMatchObject({ status: 400, body: { error: "invalid_grant" } });
  });

  test("survives a restart of the server", async () => {
    const { access, refresh: token, clientId } = await logIn(world);
    await world.restart();
    expect(await statusOf(world, access)).toBe(200);
    expect((await refresh(world, clientId, token)).status).toBe(200);
  });

  test("is revoked by its client, with its whole grant", async () => {
    const { access, refresh: token, clientId } = await logIn(world);
    const revoke = (value: string, client: string) =>
      post(`${world.listening.http}/oauth/revoke`, new URLSearchParams({ token: value, client_id: client }));
    // Another client's word does nothing (RFC 7009, 2.1).
    await revoke(access, await register(world));
    expect(await statusOf(world, access)).toBe(200);
    expect((await revoke(access, clientId)).status).toBe(200);
    expect(await statusOf(world, access)).toBe(401);
    expect((await refresh(world, clientId, token)).status).toBe(400);
  });
});

test("refresh tokens rotate, and one that comes twice ends the family", async () => {
  const { access, refresh: first, clientId } = await logIn(world);
  const second = await refresh(world, clientId, first);
  expect(second.status).toBe(200);
  expect(second.body.refresh_token).not.toBe(first);
  expect(await statusOf(world, access)).toBe(200);
  expect(await refresh(world, clientId, first)).toMatchObject({ status: 400, body: { error: "invalid_grant" } });
  for (const token of [access, second.body.access_token as string]) expect(await statusOf(world, token)).toBe(401);
  expect((await refresh(world, clientId, second.body.refresh_token as string)).status).toBe(400);
});

test("a loopback redirect may have any port, and nothing else may differ", async () => {
  const clientId = await register(world);
  const at = (uri: string) =>
    createBrowser().visit(
      authorizationUrl(world, { clientId, challenge: createProofKey().challenge, params: { redirect_uri: uri } }),
    );
  expect((await at(redirectUri.replace("4567", "61234"))).url.pathname).toMatch(/^\/oauth\/consent\//);
  expect((await at(`${redirectUri}/deeper`)).status).toBe(400);
});
