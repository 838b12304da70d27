import type { Resource } from "@portcullis/contracts";
import { expect, test } from "vitest";
import { compilePolicy } from "./compile.ts";
import { propose, toPattern } from "./propose.ts";
import { readResource } from "./resource-text.ts";
import type { Question, Verdict } from "./verdict.ts";

const places = { home: "/home/me", served: [{ name: "vault", path: "/srv/vault" }] };
const [guild, general, secret, thread, message] = [
  ...[
    "1574542801859772417",
    "1574542801935269890",
    "1574542801935269891",
    "1574542801939464196",
    "1574180426656776200",
  ],
] as const as readonly [string, string, string, string, string];

function compile(scopes: string) {
  const { policy, faults } = compilePolicy(
    [{ path: "p.yaml", text: `subject: duck@home\nscopes:\n${scopes}` }],
    places,
  );
  return { policy, faults };
}

const in_ = (channel: string, more: object = { message }): Resource => ({ kind: "discord", guild, channel, ...more });
const whole = { collection: true };
const everything: Resource = { kind: "discord", collection: true };

function decide(scopes: string, resource: Resource): string {
  const { policy, faults } = compile(scopes);
  if (!policy) throw new Error(JSON.stringify(faults));
  const question: Question = {
    ...{ subject: "duck@home", tool: "discord.search", effect: "read", resource, now: 1_000 },
    purpose: { text: "look", stated: true },
  };
  const verdict: Verdict = policy.decide(question);
  return verdict.effect === "allow" ? "allow" : verdict.reason;
}

const one = (allow: string, deny = ""): string =>
  `  - { tool: "discord.*", allow: ["${allow}"]${deny && `, deny: ["${deny}"]`} }`;

test.each<[string, string, Resource, string]>([
  [`discord://${guild}/${general}/**`, "", in_(general), "allow"],
  [`discord://${guild}/${general}/**`, "", in_(general, { thread, message }), "allow"],
  [`discord://${guild}/${general}/**`, "", in_(secret), "no_allow"],
  [`discord://${guild}/${general}/*`, "", in_(general, { thread, message }), "no_allow"],
  [`discord://${guild}/${general}/${message}`, "", in_(general), "allow"],
  [`discord://${guild}/**`, "", in_(secret), "allow"],
  [`discord://*/**`, "", in_(secret), "allow"],
  [`discord://1/**`, "", in_(secret), "no_allow"],
  [`https://*/**`, "", in_(secret), "no_allow"],
  [`/**`, "", in_(secret), "no_allow"],
  // A deny of a channel hides its threads, one of a thread its messages.
  [`discord://*/**`, `discord://${guild}/${secret}`, in_(secret, { thread, message }), "denied"],
  [`discord://*/**`, `discord://${guild}/${general}/${thread}`, in_(general, { thread, message }), "denied"],
  [`discord://*/**`, `discord://${guild}/${general}/${thread}`, in_(general), "allow"],
  [`discord://*/**`, `**`, in_(general), "denied"],
  // A channel as a whole is reached by whatever lies in it; what is hidden as a whole is refused.
  [`discord://${guild}/${general}/${message}`, "", in_(general, whole), "allow"],
  [`discord://${guild}/${general}/**`, "", in_(secret, whole), "no_allow"],
  [`discord://${guild}/**`, `discord://${guild}/${secret}/**`, in_(secret, whole), "denied"],
  [`discord://${guild}/**`, `discord://${guild}/${secret}/**`, everything, "allow"],
  [`discord://${guild}/${general}/*`, "", everything, "allow"],
  [`/srv/**`, "", everything, "no_allow"],
  [`https://*/**`, "", everything, "no_allow"],
  [`discord://*/**`, `discord://*/**`, everything, "denied"],
  // What is no message has no canonical form.
  [`discord://*/**`, "", { kind: "discord", guild, channel: "..", message }, "error"],
  [`discord://*/**`, "", { kind: "discord", guild, channel: general }, "error"],
  [`discord://*/**`, "", { kind: "discord", message }, "error"],
])("allow %s, deny %s: %j is %s", (allow, deny, resource, expected) => {
  expect(decide(one(allow, deny), resource)).toBe(expected);
});

test.each([
  "discord://general/**",
  "discord://",
  `discord://${guild}:1/**`,
  `discord://${guild}/a*/b`,
  `discord://u@${guild}/**`,
  `discord://${guild}/${general}?x`,
  "discord://*//1",
])("%s is no pattern", (pattern) => {
  expect(compile(one(pattern)).faults[0]?.message).toMatch(/discord:\/\/GUILD\/CHANNEL|no empty segment|no user/);
});

test("what a refusal proposes opens exactly what was asked for", () => {
  for (const [resource, other] of [
    [in_(general), in_(secret)],
    [in_(general, { thread, message }), in_(general)],
    [in_(general, whole), in_(secret, whole)],
    [everything, undefined],
  ] as const) {
    const pattern = toPattern(resource) ?? "";
    expect(decide(one(pattern), resource)).toBe("allow");
    if (other) expect(decide(one(pattern), other)).toBe("no_allow");
    const question = { subject: "duck@home", tool: "discord.search", effect: "read" as const, resource, now: 1 };
    const proposed = propose({ ...question, purpose: { stated: false } }, "no_allow");
    expect(proposed?.yaml).toContain(pattern);
  }
});

test("the audit's URIs are read back", () => {
  for (const [text, resource] of [
    [`discord://${guild}/${general}/${message}`, in_(general)],
    [`discord://${guild}/${general}/${thread}/${message}`, in_(general, { thread, message })],
    [`discord://${guild}/${general}`, in_(general, whole)],
    ["discord://", everything],
  ] as const)
    expect(readResource(text, places)).toEqual(resource);
});
