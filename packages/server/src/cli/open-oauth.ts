import { createReach } from "../identity/oauth/reach.ts";
import { readScope } from "../identity/oauth/scopes.ts";
import { recordDecision } from "../pipeline/record-decision.ts";
import { donePage } from "../transports/http/oauth/consent-page.ts";
import { createOAuthDoor } from "../transports/http/oauth/oauth-door.ts";
import { type ResourceIdentity, toChallenge } from "../transports/http/oauth/protected-resource.ts";
import { toSessionCookies } from "../transports/http/oauth/session-cookie.ts";
import { toPageHeaders } from "../transports/http/page.ts";
import type { Challenge } from "../transports/mcp/http-refusal.ts";
import type { OpenServer } from "./open-server.ts";

export interface OAuthParts {
  /** How the MCP doors tell who may not pass to log in. */
  readonly challenge?: Challenge;
  readonly handle?: ReturnType<typeof createOAuthDoor>;
}

/** Clients' logins for the HTTP door: nothing when the settings offer none. */
export async function openOAuth({
  corridor,
  parts,
  policy,
  tokens,
  logins,
  folders,
  settings,
}: OpenServer): Promise<OAuthParts> {
  if (!settings.oauth.enabled && settings.oauth.issuer.url === "") return {};
  const { resources, issuer, open } = logins;
  const identity: ResourceIdentity = { originOf: resources.originOf, issuer, ...(open && { scope: readScope }) };
  const challenge: Challenge = (request, grievance) => toChallenge(identity, request, grievance);
  if (!open) return { challenge, handle: createOAuthDoor({ corridor, identity }) };
  const errorPage = (title: string, text: string) => ({ html: donePage(title, text), headers: toPageHeaders() });
  const authorization = open(errorPage);
  await authorization.prepare();
  const handle = createOAuthDoor({
    corridor,
    identity,
    desk: {
      authorization,
      reach: createReach({
        policy: policy.current,
        tools: parts.registry.all().map(({ tool }) => tool),
        folders,
        tokens,
        now: parts.now,
      }),
      record: (origin, decision) => recordDecision(parts, origin, { name: "oauth.decide", args: decision }),
      toCookies: (session) => toSessionCookies(session, resources.issuer().startsWith("https:")),
    },
  });
  return { challenge, handle };
}
