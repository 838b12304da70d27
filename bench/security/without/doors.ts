import type { Guard } from "./guard.ts";

const src = "packages/server/src";
const issuer = [`${src}/identity/oauth/external-issuer.test.ts`];
const login = [`${src}/identity/oauth/authorization-server.test.ts`, `${src}/identity/oauth/adapter.test.ts`];
const verify = [`${src}/audit/verify.test.ts`, `${src}/audit/proofs.test.ts`];
const http = [`${src}/transports/http/http-door.test.ts`];

export const doorGuards: readonly Guard[] = [
  {
    name: "a revoked token ends at once",
    file: "identity/tokens.ts",
    from: "record.revokedAt === null && (",
    to: "(",
    tests: [`${src}/identity/tokens.test.ts`],
  },
  {
    name: "an expired token is none",
    file: "identity/tokens.ts",
    from: "(record.expiresAt === null || record.expiresAt > now);",
    to: "(record.expiresAt === null || now > 0);",
    tests: [`${src}/identity/tokens.test.ts`],
  },
  {
    name: "a token of another issuer is none",
    file: "identity/oauth/external-issuer.ts",
    from: "        issuer: url,\n",
    to: "",
    tests: issuer,
  },
  {
    name: "a token for another audience is none",
    file: "identity/oauth/external-issuer.ts",
    from: "        audience,\n",
    to: "",
    tests: issuer,
  },
  {
    name: "only the algorithms that are allowed",
    file: "identity/oauth/external-issuer.ts",
    from: "        algorithms: [...algorithms],\n",
    to: "",
    tests: issuer,
  },
  {
    name: "a login's expiry is required",
    file: "identity/oauth/external-issuer.ts",
    from: 'requiredClaims: ["exp", "sub"],',
    to: "requiredClaims: [],",
    tests: issuer,
  },
  {
    name: "an access token is for this server alone",
    file: "identity/oauth/access.ts",
    from: " || !resources.has(found.audience)) return undefined;",
    to: ") return undefined;",
    tests: login,
  },
  {
    name: "a code or refresh token is used once",
    file: "identity/oauth/adapter.ts",
    from: "if (await store.consume(kind, digest(id), now())) return;",
    to: "if ((await store.consume(kind, digest(id), now())) || id !== '') return;",
    tests: login,
  },
  {
    name: "no effect without an intent on record",
    file: "pipeline/pipeline.ts",
    from: "await recordIntent(parts, facts, call);",
    to: "void recordIntent;",
    tests: ["test/e2e/audit.test.ts", "test/e2e/files.test.ts"],
  },
  {
    name: "no record, no answer",
    file: "pipeline/record.ts",
    from: 'return { ok: false, code: "UNAVAILABLE", message: noRecord, details: { reason: "audit" }, auditId: facts.id };',
    to: "return outcome;",
    tests: ["test/e2e/audit.test.ts"],
  },
  {
    name: "a record's hash is checked",
    file: "audit/verify.ts",
    from: " && linkHash(previous, stored.body) === stored.hash)",
    to: ")",
    tests: verify,
  },
  {
    name: "a cut end is found",
    file: "audit/verify.ts",
    from: "if (expected === undefined || expected.seq <= seq) return recovered;",
    to: "if (expected === undefined || seq >= 0) return recovered;",
    tests: verify,
  },
  {
    name: "a checkpoint is held against the records",
    file: "audit/proofs.ts",
    from: 'if (opened.root !== tree.root().toString("hex"))',
    to: 'if (opened.root === "")',
    tests: verify,
  },
  {
    name: "a checkpoint counts only when signed by a trusted key",
    file: "audit/proofs.ts",
    from: "if (opened === undefined || opened.signedBy.length === 0)",
    to: "if (opened === undefined)",
    tests: verify,
  },
  {
    name: "a turn has a budget",
    file: "stores/sqlite/turn-counter.ts",
    from: "if (isAtCeiling || inTurn >= calls) {",
    to: "if (isAtCeiling) {",
    tests: ["test/conformance/stores/turn-counter.test.ts"],
  },
  {
    name: "a token has a ceiling over its turns",
    file: "stores/sqlite/turn-counter.ts",
    from: "const isAtCeiling = ceiling < 1 ||",
    to: "const isAtCeiling = ceiling < 0 &&",
    tests: ["test/conformance/stores/turn-counter.test.ts"],
  },
  {
    name: "an empty bucket gives nothing",
    file: "stores/sqlite/rate-counter.ts",
    from: "if (refused) return refused;",
    to: "void refused;",
    tests: ["test/conformance/stores/rate-counter.test.ts"],
  },
  {
    name: "a foreign Host is refused",
    file: "transports/http/check-sender.ts",
    from: "if (host === undefined || !(isLoopback(host) || allowedHosts.includes(host))) {",
    to: "if (host === undefined || (!isLoopback(host) && allowedHosts.length < 0)) {",
    tests: http,
  },
  {
    name: "two Hosts are refused",
    file: "transports/http/check-sender.ts",
    from: "if (countHosts(rawHeaders) > 1)",
    to: "if (countHosts(rawHeaders) > 1e9)",
    tests: http,
  },
  {
    name: "a foreign Origin is refused",
    file: "transports/http/check-sender.ts",
    from: 'return "This Origin may not use the server. Add it to allowedOrigins if the page is the owner\'s.";',
    to: "return undefined;",
    tests: http,
  },
  {
    name: "a WebSocket's sender is checked too",
    file: "transports/http/http-door.ts",
    from: "if (foreign !== undefined) {",
    to: 'if (foreign === "") {',
    tests: [...http, `${src}/transports/websocket/websocket-door.test.ts`],
  },
];
