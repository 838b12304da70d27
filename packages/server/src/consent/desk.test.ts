import { describe, expect, test } from "vitest";
import { compilePolicy, type Policy } from "../policy/compile.ts";
import type { AskedFor } from "../stores/consent-store.ts";
import { createConsentStore } from "../stores/memory/consent-store.ts";
import { createDesk } from "./desk.ts";
import { toConsentResource } from "./to-resources.ts";
import { createTrail } from "./trail.ts";

const places = { home: "/home/duck", served: [{ name: "notes", path: "/notes" }] };
const toPolicy = (deny: string): Policy => {
  const text = `subject: duck\nscopes:\n  - { tool: fs.list, allow: ["@served/**"] }\n${deny}`;
  const { policy, faults } = compilePolicy([{ path: "a.yaml", text }], places);
  if (!policy) throw new Error(JSON.stringify(faults));
  return policy;
};
const closed = '  - { tool: "*", deny: ["/notes/plans/**"] }\n';

async function openDesk(deny = "") {
  const store = createConsentStore();
  const resource = toConsentResource({ kind: "path", path: "/notes/plans/a.md" }, "read", places);
  const wanted: AskedFor = {
    ...{ id: "R", question: "q", subject: "duck", client: "token", clientName: null, agent: null },
    ...{ tool: "fs.readFile", effect: "read", egress: false, args: "{}", call: "call" },
    resources: resource ? [resource] : [],
    ...{ reason: "no_allow", purpose: null, door: "http", auditId: "A", createdAt: 0, expiresAt: 600_000 },
  };
  await store.open(wanted, { perSubject: 10, total: 10 });
  const recorded: unknown[] = [];
  const audit = { append: async (record: unknown) => void recorded.push(record) };
  const now = (): number => 1_000;
  let ids = 0;
  const nextId = (): string => `G${ids++}`;
  const trail = createTrail({ audit: audit as never, boot: "b", now, nextId, scrub: (value) => value });
  const policy = toPolicy(deny);
  const desk = createDesk({ store, trail, policy: () => policy, places: () => places, onceMs: 1_000, now, nextId });
  return { desk, store, recorded };
}

const owner = { owner: true, name: "owner", door: "cli" } as const;
const always = { answer: "allow", for: "always" } as const;

describe("a request is answered", () => {
  test("by the owner", async () => {
    const { desk, store } = await openDesk();
    await desk.answer("R", always, owner);
    expect(await store.grants(1_000)).toHaveLength(1);
  });

  test.each([
    ["by nobody else", { ...owner, owner: false }, "", "not_owner"],
    ["never with the token that asked, the owner's own too", { ...owner, client: "token" }, "", "own_request"],
    ["never against a deny rule", owner, closed, "denied"],
  ] as const)("%s", async (_, by, deny, reason) => {
    const { desk, store, recorded } = await openDesk(deny);
    await expect(desk.answer("R", always, by)).rejects.toMatchObject({ details: { reason } });
    expect(await store.grants(1_000)).toEqual([]);
    expect((await store.find("R"))?.state).toBe("open");
    expect(recorded).toEqual([]);
  });

  test("and what was granted is withdrawn by the owner alone", async () => {
    const { desk, store } = await openDesk();
    const { grant } = await desk.answer("R", always, owner);
    await expect(desk.withdraw(grant?.id ?? "", { ...owner, owner: false })).rejects.toMatchObject({
      details: { reason: "not_owner" },
    });
    expect(await store.grants(1_000)).toHaveLength(1);
  });
});
