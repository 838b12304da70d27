import type { Guard } from "./guard.ts";

const src = "packages/server/src";
const policy = [`${src}/policy/policy.test.ts`, `${src}/policy/grants.test.ts`];
const consent = [
  `${src}/consent/desk.test.ts`,
  `${src}/consent/answers.test.ts`,
  "test/conformance/stores/consent-store.test.ts",
];

export const decisionGuards: readonly Guard[] = [
  {
    name: "a deny beats every allow",
    file: "policy/decide.ts",
    from: 'if (denied) return refuse(question, "denied", denied);',
    to: "void denied;",
    tests: policy,
  },
  {
    name: "what no scope allows is denied",
    file: "policy/decide.ts",
    from: 'return refuse(question, rules.allowing.length > 0 ? "no_allow" : "no_scope", null);',
    to: "return combine([rules.allowing[0] as CompiledScope]);",
    tests: policy,
  },
  {
    name: "a scope ends when it says",
    file: "policy/decide.ts",
    from: 'if (!(scope.expires > now)) return "expired";',
    to: "void now;",
    tests: policy,
  },
  {
    name: "a scope that wants a purpose is closed without one",
    file: "policy/decide.ts",
    from: 'if (text === undefined) return wanted ? "purpose_required" : undefined;',
    to: "if (text === undefined) return undefined;",
    tests: policy,
  },
  {
    name: "a scope serves only the purposes that it names",
    file: "policy/decide.ts",
    from: 'return "purpose_not_served";',
    to: "return undefined;",
    tests: policy,
  },
  {
    name: "a wildcard names no tool that writes",
    file: "policy/decide.ts",
    from: 'if (acts && !named) return "write_not_named";',
    to: "void named;",
    tests: policy,
  },
  {
    name: "a scope that asks first allows nothing by itself",
    file: "policy/decide.ts",
    from: 'if (asking) return refuse(question, "consent", asking);',
    to: "void asking;",
    tests: policy,
  },
  {
    name: "a yes for one call serves one call",
    file: "stores/sqlite/consent-store.ts",
    from: '"DELETE FROM consentGrants WHERE id = ? AND once = 1 AND',
    to: '"UPDATE consentGrants SET once = 1 WHERE id = ? AND once = 1 AND',
    tests: consent,
  },
  {
    name: "one answer counts",
    file: "stores/sqlite/consent-store.ts",
    from: "WHERE id = :id AND state = 'open' AND expiresAt > :at",
    to: "WHERE id = :id AND expiresAt > :at",
    tests: consent,
  },
  {
    name: "only the owner answers",
    file: "consent/desk.ts",
    from: "if (!by.owner) {",
    to: "if (!by.owner && by.door.length < 0) {",
    tests: consent,
  },
  {
    name: "whoever asks does not answer",
    file: "consent/desk.ts",
    from: "if (client !== undefined && by.client === client) {",
    to: "if (client !== undefined && by.client === `${client}\\0`) {",
    tests: consent,
  },
  {
    name: "no answer opens what a deny closes",
    file: "consent/desk.ts",
    from: 'if (grant?.effect === "allow") await checkPolicy(request, grant);',
    to: "void checkPolicy;",
    tests: consent,
  },
  {
    name: "an answer opens no more than was offered",
    file: "consent/narrow.ts",
    from: "return narrower ? written : undefined;",
    to: "return narrower || written.length > 0 ? written : undefined;",
    tests: consent,
  },
];
