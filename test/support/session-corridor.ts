import { randomUUID } from "node:crypto";
import type { Failure, Outcome } from "@portcullis/contracts";
import type { Credential } from "../../packages/server/src/pipeline/arrival.ts";
import type { FakeCorridor } from "./fake-corridor.ts";

export interface SessionCorridor extends FakeCorridor {
  /** How long a session lasts, in ms. */
  lifetime: number;
  /** The tokens that sessions stand for, by the sessions' secrets. */
  readonly sessions: ReadonlyMap<string, { readonly token: string; readonly expiresAt: number }>;
}

/** Gives a fake corridor sessions, and capabilities to be told. */
export function withSessions(corridor: FakeCorridor): SessionCorridor {
  const sessions = new Map<string, { token: string; expiresAt: number }>();

  const toToken = (credential: Credential): Credential => {
    if (credential.kind !== "session") return credential;
    const session = sessions.get(credential.secret);
    return session && session.expiresAt > Date.now() ? { kind: "token", token: session.token } : { kind: "none" };
  };
  const deny = (message: string): Failure => ({ ok: false, code: "UNAUTHENTICATED", message, auditId: randomUUID() });

  const keep = (secret: string, token: string): Outcome => {
    const expiresAt = Date.now() + own.lifetime;
    sessions.set(secret, { token, expiresAt });
    const subject = corridor.tokens.get(token) ?? "";
    const expiry = { expiresAt: new Date(expiresAt).toISOString(), expiresInMs: own.lifetime };
    return { ok: true, result: { session: secret, subject, ...expiry, refreshable: true }, auditId: randomUUID() };
  };

  const own: SessionCorridor = {
    ...corridor,
    lifetime: 900_000,
    sessions,
    handleCall: (arrival) => corridor.handleCall({ ...arrival, credential: toToken(arrival.credential) }),
    async handleMethod(request) {
      const params = request.params as { token?: string; session?: string };
      switch (request.method) {
        case "capabilities.get":
          return { ok: true, result: capabilities, auditId: randomUUID() };
        case "auth.exchange":
          return corridor.tokens.has(params.token ?? "")
            ? keep(randomUUID(), params.token ?? "")
            : deny("This token is not known.");
        case "auth.refresh": {
          const secret = params.session ?? (request.credential.kind === "session" ? request.credential.secret : "");
          const found = toToken({ kind: "session", secret });
          return found.kind === "token" && corridor.tokens.has(found.token)
            ? keep(secret, found.token)
            : deny("This session has ended.");
        }
        default:
          return corridor.handleMethod({ ...request, credential: toToken(request.credential) });
      }
    },
    identify: (credential) => corridor.identify(toToken(credential)),
    sealCall: async () => undefined,
    awaitOwner: async () => false,
  };
  return own;
}

const capabilities = {
  server: { name: "portcullis", version: "0" },
  protocol: "portcullis.v1",
  mcp: [],
  tools: true,
  resources: false,
  prompts: false,
  sampling: false,
  events: false,
  limits: { turnCalls: 25 },
  methods: [],
  codes: [],
};
