import { createGuardedFetch, type GuardedFetch } from "../../network/guarded-fetch.ts";
import { createOAuthAccess, type OAuthAccess } from "./access.ts";
import {
  type AuthorizationServer,
  type AuthorizationServerOptions,
  createAuthorizationServer,
} from "./authorization-server.ts";
import { createExternalIssuer, type ExternalIssuerSettings } from "./external-issuer.ts";
import type { GrantStores } from "./grants.ts";
import { createResources, type Resources } from "./resources.ts";
import type { ScopedTool } from "./scopes.ts";

export interface LoginOptions extends GrantStores {
  /** The data folder. */
  readonly data: string;
  readonly keys?: AuthorizationServerOptions["keys"];
  readonly settings: {
    readonly port: number;
    readonly allowedHosts: readonly string[];
    readonly http: { readonly privateHosts: readonly string[] };
    readonly oauth: {
      readonly enabled: boolean;
      readonly registration: boolean;
      readonly metadataDocuments: boolean;
      readonly issuer: ExternalIssuerSettings;
    };
  };
  /** Where clients reach the server, without a slash at the end. */
  readonly url: () => string;
  readonly tool: (name: string) => ScopedTool | undefined;
  readonly now: () => number;
  readonly fault: (error: unknown) => void;
  /** How client metadata documents and issuers are reached; by default, guarded. */
  readonly fetch?: GuardedFetch;
}

/** How clients log in: at the server itself, or at an issuer elsewhere. */
export interface Logins {
  readonly access: OAuthAccess;
  readonly resources: Resources;
  /** Who issues the tokens that are taken. */
  issuer(): string;
  /** The server's own authorization server; undefined when it is off or another issuer stands in its place. */
  readonly open?: (errorPage: AuthorizationServerOptions["errorPage"]) => AuthorizationServer;
}

/** Does no I/O. Throws an `Error` for an issuer that the settings do not describe well enough. */
export function createLogins(options: LoginOptions): Logins {
  const { data, settings, url, store, tokens, tool, now, fault } = options;
  const { enabled, registration, metadataDocuments, issuer } = settings.oauth;
  // Redirects are not followed, so that an open one on some site vouches for nobody.
  const limits = { redirects: 0, totalMs: 5_000, bodyBytes: 262_144 };
  const resources = createResources({ url, allowedHosts: settings.allowedHosts, port: settings.port });
  const external =
    issuer.url === ""
      ? undefined
      : createExternalIssuer({
          settings: issuer,
          fetch: options.fetch ?? createGuardedFetch({ limits, privateHosts: settings.http.privateHosts }),
          fault,
        });
  const access = createOAuthAccess({ store, tokens, resources, external, tool });
  if (external || !enabled) return { access, resources, issuer: () => (external ? issuer.url : resources.issuer()) };
  const fetch = options.fetch ?? createGuardedFetch({ limits });
  return {
    access,
    resources,
    issuer: resources.issuer,
    open: (errorPage) =>
      createAuthorizationServer({
        data,
        keys: options.keys,
        store,
        tokens,
        resources,
        fetch,
        registration,
        metadataDocuments,
        errorPage,
        now,
        fault,
      }),
  };
}
