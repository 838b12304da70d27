import { createServer } from "node:net";
import {
  Client,
  type OAuthClientProvider,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from "@modelcontextprotocol/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { missingClients } from "../support/clients.ts";
import { letIn, redirectUri, register } from "../support/oauth/login.ts";
import { conformance, start, startClaude, startCodex, withHome } from "../support/oauth/programs.ts";
import { openWorld, type World } from "../support/world.ts";

const missing = missingClients();
if (missing) console.warn(`Logins of real clients are skipped: ${missing}`);

let world: World;

// There is no way out to the documents of real clients here, so they register themselves.
beforeAll(async () => {
  world = await openWorld({
    settings: "oauth: { metadataDocuments: false }\n",
    policies: {
      "web.yaml": 'subject: owner\nscopes:\n  - { tool: http.fetch, allow: ["https://docs.invalid/**"] }\n',
    },
  });
});
afterAll(() => world?.close());

/** Takes a login to its end, as a person's browser does. */
async function browse(url: string): Promise<void> {
  const response = await fetch(await letIn(world, url), { redirect: "manual" });
  expect(response.status).toBeLessThan(400);
}

const grants = async (): Promise<readonly string[]> => {
  const { tokens } = JSON.parse((await world.run("token", "list", "--json")).stdout) as {
    tokens: { client?: { name: string } }[];
  };
  return tokens.flatMap(({ client }) => client?.name ?? []);
};

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A person's client: what the SDK's own one keeps, and where it wants to send its user. */
function createClient(clientMetadata: OAuthClientProvider["clientMetadata"]) {
  const kept: Record<string, unknown> = {};
  const keep = (more: Record<string, unknown>): void => void Object.assign(kept, more);
  const authProvider: OAuthClientProvider = {
    redirectUrl: redirectUri,
    clientMetadata,
    clientInformation: () => kept.client as never,
    saveClientInformation: (client) => keep({ client }),
    tokens: () => kept.tokens as never,
    saveTokens: (tokens) => keep({ tokens }),
    redirectToAuthorization: (url) => keep({ sentTo: url.href }),
    saveCodeVerifier: (verifier) => keep({ verifier }),
    codeVerifier: () => kept.verifier as string,
  };
  const transport = () => new StreamableHTTPClientTransport(new URL(world.listening.mcp), { authProvider });
  const client = () => new Client({ name: "sdk", version: "1" });
  return { kept, transport, client };
}

test("the MCP SDK's client logs in, calls, and refreshes by itself", async () => {
  const { kept, transport, client } = createClient({ client_name: "SDK client", redirect_uris: [redirectUri] });
  const first = transport();
  await expect(client().connect(first)).rejects.toThrow(UnauthorizedError);
  const back = await letIn(world, String(kept.sentTo));
  await first.finishAuth(back.searchParams);
  const inside = client();
  await inside.connect(transport());
  const { tools } = await inside.listTools();
  expect(tools.map(({ name }) => name)).toContain("search");
  await inside.close();
  const before = kept.tokens as { access_token: string };
  kept.tokens = { ...before, access_token: "pca_gone" };
  const again = client();
  await again.connect(transport());
  expect((await again.listTools()).tools).toHaveLength(tools.length);
  expect((kept.tokens as { access_token: string }).access_token).not.toBe(before.access_token);
  await again.close();
});

test("the MCP SDK's client asks for more when a tool needs it, and goes on once the owner has granted that", async () => {
  const { kept, transport, client } = createClient({ client_name: "Stepping up", redirect_uris: [redirectUri] });
  const first = transport();
  await expect(client().connect(first)).rejects.toThrow(UnauthorizedError);
  expect(new URL(String(kept.sentTo)).searchParams.get("scope")).toBe("mcp:read");
  await first.finishAuth((await letIn(world, String(kept.sentTo))).searchParams);
  const inside = client();
  const line = transport();
  await inside.connect(line);
  const fetchPage = (at: Client) =>
    at.callTool({ name: "http_fetch", arguments: { url: "https://docs.invalid/page", purpose: "read the page" } });
  kept.sentTo = undefined;
  await expect(fetchPage(inside)).rejects.toThrow(UnauthorizedError);
  const asked = new URL(String(kept.sentTo)).searchParams.get("scope")?.split(" ");
  expect(asked).toEqual(expect.arrayContaining(["mcp:read", "mcp:write"]));
  await line.finishAuth((await letIn(world, String(kept.sentTo), { tools: ["http.fetch", "search"] })).searchParams);
  const again = client();
  await again.connect(transport());
  // The corridor lets it through to the network, where no such host is.
  const answer = await fetchPage(again);
  expect(JSON.stringify(answer)).toMatch(/UPSTREAM|docs\.invalid/);
  expect(JSON.stringify(answer)).not.toContain("PERMISSION_DENIED");
  await Promise.all([inside.close(), again.close()]);
});

describe.skipIf(missing !== undefined)("programs that people have", () => {
  test("the official conformance suite passes the authorization server", async () => {
    const port = await freePort();
    const clientId = await register(world, { redirect_uris: [`http://127.0.0.1:${port}/callback`] });
    await withHome(async (home) => {
      const { http, mcp } = world.listening;
      const args = ["authorization", "--url", http, "--client-id", clientId, "--resource", mcp, "--port", String(port)];
      const suite = start({ script: conformance, args, home });
      const [url] = await suite.wrote(/^https?:\S+\/oauth\/authorize\?\S+/m);
      await browse(url);
      expect(await suite.ended(), suite.output()).toBe(0);
      // `npm run conformance` counts these lines.
      console.log(
        suite
          .output()
          .match(/^[\u2713\u2717] [\w-]+: .*$/gm)
          ?.join("\n"),
      );
      expect(suite.output()).toMatch(/authorization-server-metadata-endpoint: \d passed, 0 failed/);
      expect(suite.output()).toMatch(/authorization-code-grant: 1 passed, 0 failed/);
    });
  });

  test("Codex CLI logs in", async () => {
    await withHome(async (home) => {
      const codex = startCodex(home, world.listening.mcp, ["mcp", "login", "portcullis"]);
      const [url] = await codex.wrote(/^https?:\S+\/oauth\/authorize\?\S+/m);
      await browse(url);
      expect(await codex.ended(), codex.output()).toBe(0);
      expect(codex.output()).toContain("Successfully logged in");
      const list = startCodex(home, world.listening.mcp, ["mcp", "list", "--json"]);
      expect(await list.ended(), list.output()).toBe(0);
      expect(list.output()).toMatch(/"auth_status": *"o_auth"/i);
    });
    expect(await grants()).toContainEqual(expect.stringMatching(/codex/i));
  });

  test("Claude Code logs in, and reaches the server then", async () => {
    await withHome(async (home) => {
      const add = startClaude(home, ["mcp", "add", "--transport", "http", "portcullis", world.listening.mcp]);
      expect(await add.ended(), add.output()).toBe(0);
      const claude = startClaude(home, ["mcp", "login", "portcullis"], true);
      await browse(await claude.opened());
      expect(await claude.ended(), claude.output()).toBe(0);
      const get = startClaude(home, ["mcp", "list"]);
      expect(await get.ended(), get.output()).toBe(0);
      expect(get.output()).toMatch(/portcullis.*Connected/);
    });
    expect(await grants()).toContainEqual(expect.stringMatching(/claude/i));
  });
});
