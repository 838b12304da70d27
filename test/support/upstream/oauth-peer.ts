import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Asked {
  readonly path: string;
  readonly params: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

type Answer = (response: ServerResponse, asked: Asked) => void;

/** A protected resource and its authorization server, at one loopback origin, which can be told to misbehave. */
export interface OAuthPeer {
  readonly origin: string;
  /** The protected address. */
  readonly url: string;
  readonly asked: Asked[];
  /** Answers in the place of the usual ones, by path. */
  readonly instead: Record<string, Answer>;
  /** Laid over the authorization server's metadata; undefined leaves a member out. */
  metadata: Record<string, unknown>;
  /** Laid over the protected resource's. */
  resource: Record<string, unknown>;
  /** How long its access tokens last (s). */
  lasts: number;
  /** The tokens that count now. */
  readonly tokens: () => { readonly access: string; readonly refresh: string };
  /** What the browser comes back with from an authorization address. */
  approve(address: string, over?: Readonly<Record<string, string | undefined>>): URL;
  count(path: string): number;
  close(): Promise<void>;
}

const random = (): string => randomBytes(24).toString("base64url");

export const json = (response: ServerResponse, body: unknown, status = 200): void =>
  void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));

export async function openOAuthPeer(): Promise<OAuthPeer> {
  const asked: Asked[] = [];
  const instead: Record<string, Answer> = {};
  const codes = new Map<string, string>();
  let tokens = { access: random(), refresh: random() };
  let dead = false;

  const usual: Record<string, Answer> = {
    "/mcp": (response) =>
      void response
        .writeHead(401, { "www-authenticate": `Bearer resource_metadata="${peer.origin}/prm", scope="notes.read"` })
        .end(),
    "/prm": (response) =>
      json(response, { resource: peer.url, authorization_servers: [peer.origin], ...peer.resource }),
    "/.well-known/oauth-authorization-server": (response) =>
      json(response, {
        issuer: peer.origin,
        authorization_endpoint: `${peer.origin}/authorize`,
        token_endpoint: `${peer.origin}/token`,
        registration_endpoint: `${peer.origin}/register`,
        revocation_endpoint: `${peer.origin}/revoke`,
        response_types_supported: ["code"],
        code_challenge_methods_supported: ["S256"],
        authorization_response_iss_parameter_supported: true,
        token_endpoint_auth_methods_supported: ["none", "client_secret_basic"],
        ...peer.metadata,
      }),
    "/register": (response, { body }) => json(response, { ...JSON.parse(body), client_id: "registered" }, 201),
    "/revoke": (response) => void response.writeHead(200).end(),
    "/token": (response, { params }) => {
      const refuse = (): void => json(response, { error: "invalid_grant" }, 400);
      if (params.get("grant_type") === "refresh_token") {
        // One that was used already ends the whole login.
        if (dead || params.get("refresh_token") !== tokens.refresh) {
          dead = true;
          return refuse();
        }
      } else {
        const challenge = createHash("sha256")
          .update(params.get("code_verifier") ?? "")
          .digest("base64url");
        const code = params.get("code") ?? "";
        if (codes.get(code) !== challenge) return refuse();
        codes.delete(code);
        dead = false;
      }
      tokens = { access: random(), refresh: random() };
      const { access, refresh } = tokens;
      json(response, { token_type: "Bearer", access_token: access, refresh_token: refresh, expires_in: peer.lasts });
    },
  };

  const server = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request.setEncoding("utf8")) body += piece;
    const { pathname: path } = new URL(request.url ?? "/", "http://peer");
    const one = { path, params: new URLSearchParams(body), headers: request.headers, body };
    asked.push(one);
    const answer = instead[path] ?? usual[path];
    if (answer) answer(response, one);
    else response.writeHead(404).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const peer: OAuthPeer = {
    ...{ origin, url: `${origin}/mcp`, asked, instead, metadata: {}, resource: {}, lasts: 3_600 },
    tokens: () => tokens,
    approve(address, over = {}) {
      const { searchParams } = new URL(address);
      const code = random();
      codes.set(code, searchParams.get("code_challenge") ?? "");
      const back = new URL(searchParams.get("redirect_uri") ?? "");
      const all = { code, state: searchParams.get("state") ?? "", iss: origin, ...over };
      for (const [name, value] of Object.entries(all)) if (value !== undefined) back.searchParams.set(name, value);
      return back;
    },
    count: (path) => asked.filter((one) => one.path === path).length,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return peer;
}
