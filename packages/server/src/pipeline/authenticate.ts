import { CallError } from "@portcullis/contracts";
import { findBearer } from "../identity/oauth/bearer.ts";
import { findSession } from "../identity/sessions.ts";
import type { Caller, Credential, Origin } from "./arrival.ts";
import type { Parts } from "./parts.ts";

/** Who a credential belongs to. It is looked up on every call, so a revoked token ends at once on every door. */
export async function identify(
  parts: Pick<Parts, "tokens" | "sessions" | "oauth" | "now">,
  credential: Credential,
): Promise<Caller | undefined> {
  switch (credential.kind) {
    case "none":
      return undefined;
    case "local":
      return { subject: credential.subject, owner: false, grant: `local:${credential.subject}` };
    case "token": {
      const found = await findBearer(parts, credential.token, parts.now());
      if (!found) return undefined;
      const { subject, owner, grant, narrowing, expiresAt: endsAt, callsOnly } = found;
      return { subject, owner, grant, endsAt, ...(narrowing && { narrowing }), ...(callsOnly && { callsOnly }) };
    }
    case "session": {
      const found = await findSession(parts, credential.secret, parts.now());
      return found
        ? {
            subject: found.token.subject,
            owner: found.token.owner,
            grant: found.token.id,
            session: found.session.id.slice(0, 16),
            endsAt: Math.min(found.session.expiresAt, found.token.expiresAt ?? Number.POSITIVE_INFINITY),
            ...(found.narrowing && { narrowing: found.narrowing }),
          }
        : undefined;
    }
  }
}

/** First stage: a call without a proven caller goes no further, nor does what a script in a browser has no business with. */
export async function authenticate(
  parts: Parts,
  { credential, door }: Pick<Origin, "credential" | "door">,
  what: "call" | "method",
): Promise<Caller> {
  const caller = await identify(parts, credential);
  if (caller?.callsOnly && (what !== "call" || door !== "http"))
    throw new CallError(
      "PERMISSION_DENIED",
      "A paired script calls its own tools over HTTP, and may do nothing else.",
      {
        details: { scope: null, reason: "paired", next: "Use a token of the owner's for everything else." },
      },
    );
  if (caller) return caller;
  const missing = credential.kind === "none";
  throw new CallError(
    "UNAUTHENTICATED",
    missing ? "This call carries no token." : "This token or session is not known, has expired or was revoked.",
    {
      details: {
        next: "Use a token of the owner's: `portcullis token create NAME --subject WHO` prints one. Send it as `Authorization: Bearer …`, or in auth.exchange on the WebSocket.",
      },
    },
  );
}
