import { afterEach, describe, expect, test } from "vitest";
import { longestTurn } from "../../../test/support/longest-turn.ts";
import { compilePolicy } from "./policy/compile.ts";
import type { Question } from "./policy/verdict.ts";
import { createLivePolicy, type LivePolicy } from "./policy-reload.ts";
import type { PolicySource, PolicyStore } from "./stores/store.ts";

const options = { home: "/home/me", served: [{ name: "vault", path: "/srv/vault" }], tools: ["fs.readFile", "search"] };
const scope = (n: number): string =>
  `  - { id: s${n}, tool: [fs.readFile, search], allow: ["/srv/p${n}/**"], deny: ["/srv/p${n}/.env", "**/p${n}.key"] }`;
const large = (count: number, last = ""): string =>
  `subject: owner\nscopes:\n${Array.from({ length: count }, (_, n) => scope(n)).join("\n")}\n${last}`;
const source = (text: string): readonly PolicySource[] => [{ path: "p.yaml", text }];
const ask = (path: string): Question => ({
  subject: "owner",
  tool: "fs.readFile",
  effect: "read",
  resource: { kind: "path", path },
  purpose: { text: "test", stated: true },
  now: 0,
});

const log = { info: () => {}, error: () => {} };
let live: LivePolicy | undefined;
afterEach(() => live?.stop());

async function open(
  sources: readonly PolicySource[],
): Promise<{ policy: LivePolicy; put(text: string): void; putAll(sources: readonly PolicySource[]): void }> {
  let held = sources;
  const store: PolicyStore = { read: async () => held, watch: async () => async () => {} };
  live = await createLivePolicy({ store, compile: () => options, log, readMs: 60_000 });
  const put = (text: string): void => {
    held = source(text);
  };
  const putAll = (sources: readonly PolicySource[]): void => {
    held = sources;
  };
  return { policy: live, put, putAll };
}

describe("a large set, which is parsed in a thread", () => {
  test("decides as when it is compiled in one go", async () => {
    const text = large(
      300,
      "---\ngroups: { a: [b] }\n---\nsubject: group:a\nexpires: 2030-01-01\nscopes: [{ tool: search, allow: [/x] }]\n",
    );
    const { policy } = await open(source(text));
    const whole = compilePolicy(source(text), options).policy;
    expect(policy.faults()).toEqual([]);
    expect(policy.current()).toMatchObject({ hash: whole?.hash, documents: 2, scopes: 301 });
    for (const path of ["/srv/p7/a", "/srv/p7/.env", "/srv/p8/p7.key", "/srv/p301/a"])
      expect(policy.current().decide(ask(path))).toEqual(whole?.decide(ask(path)));
    expect(policy.current().decide(ask("/srv/p299/a"))).toMatchObject({
      scope: { id: "s299", file: "p.yaml", line: 302 },
    });
  });

  test("with a fault it leaves the last good one in force, and the fault is told at its place", async () => {
    const { policy, put } = await open(source(large(300)));
    const { hash } = policy.current();
    put(large(300, "  - { tool: fs.readFile, alow: [/x] }\n"));
    await policy.reload();
    expect(policy.faults()).toMatchObject([{ path: "p.yaml", line: 303, column: 26, suggestion: "allow" }]);
    put(large(300, "  - { tool: fs.readFle, allow: [/x] }\n"));
    await policy.reload();
    expect(policy.faults()).toMatchObject([{ line: 303, column: 13, suggestion: "fs.readFile" }]);
    expect(policy.current().hash).toBe(hash);
    put(large(300, "  - { tool: else.thing, allow: [/x] }\n"));
    await policy.reload();
    expect(policy.faults()).toEqual([]);
    expect(policy.warnings()).toMatchObject([{ line: 303, column: 13 }]);
    expect(policy.current().scopes).toBe(301);
  });

  test("that takes longer than it may is a fault", async () => {
    const held = source(large(2_000));
    const store: PolicyStore = { read: async () => held, watch: async () => async () => {} };
    live = await createLivePolicy({ store, compile: () => options, log, readMs: 1 });
    expect(live.faults()).toMatchObject([{ message: expect.stringContaining("within 1 ms") }]);
    expect(live.current().decide(ask("/srv/p7/a"))).toMatchObject({ effect: "deny" });
  });

  test("of 2,000 scopes holds up nothing for 50 ms, and neither does the first question", async () => {
    const { policy, put } = await open(source(large(500)));
    policy.current().decide(ask("/srv/p7/a"));
    put(large(2_000));
    const longest = await longestTurn(async () => {
      await policy.reload();
      expect(policy.current().decide(ask("/srv/p1999/a")).effect).toBe("allow");
    });
    expect(policy.current().scopes).toBe(2_000);
    expect(longest).toBeLessThan(100);
  });

  test("of 10,000 scopes in ten files, of which one is edited, holds up nothing and parses that file alone", async () => {
    const files = Array.from({ length: 10 }, (_, file) => ({
      path: `p${file}.yaml`,
      text: large(1_000).replaceAll("id: s", `id: f${file}s`).replaceAll("/srv/p", `/srv/f${file}/p`),
    }));
    const { policy, putAll } = await open(files);
    expect(policy.current()).toMatchObject({ documents: 10, scopes: 10_000 });
    const { hash } = policy.current();
    const edited = files.map(({ path, text }, file) => ({
      path,
      text: file === 3 ? text.replace("/srv/f3/p7/**", "/srv/edited/**") : text,
    }));
    putAll(edited);
    const longest = await longestTurn(() => policy.reload());
    expect(policy.current().decide(ask("/srv/edited/a"))).toMatchObject({ effect: "allow" });
    expect(policy.current().decide(ask("/srv/f3/p7/a"))).toMatchObject({ effect: "deny" });
    expect(policy.current().decide(ask("/srv/f9/p999/a"))).toMatchObject({ effect: "allow" });
    expect(policy.current().hash).toBe(compilePolicy(edited, options).policy?.hash);
    expect(longest).toBeLessThan(100);
    putAll(files);
    await policy.reload();
    expect(policy.current().hash).toBe(hash);
    // A fault in a file of the set keeps all of it out, and is told at its place though the other files were not read again.
    putAll([...files, { path: "q.yaml", text: "subject: owner\nscopes:\n  - { tool: fs.readFle, allow: [/x] }\n" }]);
    await policy.reload();
    expect(policy.faults()).toMatchObject([{ path: "q.yaml", line: 3, column: 13, suggestion: "fs.readFile" }]);
    expect(policy.current().hash).toBe(hash);
  });
});
