import type { OAuthStore } from "../../stores/oauth-store.ts";
import type { TokenStore } from "../../stores/store.ts";
import { digest, isLive } from "../tokens.ts";
import type { Bearer } from "./bearer.ts";
import type { ExternalIssuer } from "./external-issuer.ts";
import { type ClientGrant, findGrantOf, findGrantOfToken } from "./grants.ts";
import type { Resources } from "./resources.ts";
import { readScope, type ScopedTool, scopeOf, writeScope } from "./scopes.ts";

/** Leads every access and refresh token, so that scanners know one when they see it. */
export const accessPrefix = "pca_";
export const refreshPrefix = "pcr_";

/** What a client that logged in may use of what policy allows its subject. */
export interface Narrowing {
  has(tool: string): boolean;
  /** The scope that a client would have to ask for to use a tool; undefined when its scope is not what is missing. */
  lacks(tool: string): string | undefined;
}

/** Leads the grants of logins at an issuer elsewhere. */
export const externalGrant = "oidc:";

export interface OAuthAccess {
  /** Whom an access token was issued for; undefined when it is unknown, expired, revoked, or for another server. */
  find(token: string, now: number): Promise<Bearer | undefined>;
  /** What narrows the bearer of a token of the owner's list; undefined when no client was granted it. */
  narrowing(tokenId: string): Promise<Narrowing | undefined>;
}

export interface AccessOptions {
  readonly store: OAuthStore;
  readonly tokens: TokenStore;
  readonly resources: Pick<Resources, "has">;
  /** Where tokens come from instead, if the owner has named an issuer. */
  readonly external?: ExternalIssuer | undefined;
  /** A tool's facts by its dotted name. */
  readonly tool: (name: string) => ScopedTool | undefined;
}

interface AccessBody {
  readonly grantId?: string;
  readonly aud?: string | readonly string[];
  readonly scope?: string;
}

export function createOAuthAccess({ store, tokens, resources, external, tool }: AccessOptions): OAuthAccess {
  const narrow = ({ tools }: ClientGrant, scopes: ReadonlySet<string>): Narrowing => {
    const granted = new Set(tools);
    const isInScope = (name: string): boolean => {
      const known = tool(name);
      return known !== undefined && scopes.has(scopeOf(known));
    };
    return {
      has: (name) => granted.has(name) && isInScope(name),
      lacks: (name) => (tool(name) !== undefined && !isInScope(name) ? `${readScope} ${writeScope}` : undefined),
    };
  };

  // What was issued and granted never changes. It ends by itself or with its grant's token, which is looked up each time.
  const issued = new Map<string, Issued>();
  const narrowings = new Map<string, Narrowing | undefined>();

  const read = async (id: string): Promise<Issued | undefined> => {
    const record = await store.find("AccessToken", id);
    if (!record) return undefined;
    const { grantId, aud, scope } = JSON.parse(record.body) as AccessBody;
    if (record.expiresAt === null || typeof aud !== "string" || grantId === undefined) return undefined;
    const grant = await findGrantOf(store, grantId);
    if (!grant) return undefined;
    const narrowing = narrow(grant, new Set(scope?.split(" ")));
    const whole = grant.tools.every((name) => tool(name) === undefined || narrowing.has(name));
    return { tokenId: grant.tokenId, audience: aud, expiresAt: record.expiresAt, narrowing, whole };
  };

  return {
    async find(text, now) {
      if (!text.startsWith(accessPrefix)) return external?.find(text, now);
      const id = digest(text);
      const found = issued.get(id) ?? (await read(id));
      if (!found || found.expiresAt <= now || !resources.has(found.audience)) return undefined;
      remember(issued, id, found);
      const token = await tokens.find(found.tokenId);
      if (!token || !isLive(token, now)) return undefined;
      const { expiresAt, narrowing, whole } = found;
      return { subject: token.subject, owner: false, grant: token.id, expiresAt, narrowing, client: true, whole };
    },
    async narrowing(tokenId) {
      if (narrowings.has(tokenId)) return narrowings.get(tokenId);
      const grant = await findGrantOfToken(store, tokenId);
      // Sessions stand for nothing less than all that was granted.
      const narrowing = grant && narrow(grant, new Set([readScope, writeScope]));
      remember(narrowings, tokenId, narrowing);
      return narrowing;
    },
  };
}

/** An access token as it was issued. */
interface Issued {
  readonly tokenId: string;
  readonly audience: string;
  readonly expiresAt: number;
  readonly narrowing: Narrowing;
  readonly whole: boolean;
}

const mostRemembered = 1_000;

function remember<T>(known: Map<string, T>, key: string, value: T): void {
  if (known.size >= mostRemembered && !known.has(key)) known.clear();
  known.set(key, value);
}
