import type { Resource } from "@portcullis/contracts";
import { describe, expect, test } from "vitest";
import { compilePolicy } from "./compile.ts";
import { defaultPolicy } from "./default-policy.ts";

const served = [{ name: "vault", path: "/srv/vault" }];
const { policy } = compilePolicy([{ path: "owner.yaml", text: defaultPolicy() }], { home: "/home/me", served });

function judge(resource: Resource, tool: string, subject = "owner"): string | undefined {
  const question = {
    subject,
    tool,
    effect: "read",
    resource,
    purpose: { text: "test", stated: false },
    now: 0,
  } as const;
  const verdict = policy?.decide(question);
  return verdict?.effect === "deny" ? verdict.reason : verdict?.effect;
}
const decide = (path: string, tool = "fs.readFile"): string | undefined => judge({ kind: "path", path }, tool);

describe("the default policy", () => {
  test.each([
    "a.md",
    "notes/.obsidian/x.json",
    "src/environment.ts",
    "keys.md",
    ".gitignore",
    "private.md",
    "env/a",
    "docs/credentials.md",
  ])("opens %s", (path) => {
    for (const tool of ["search", "fetch", "fs.readFile", "fs.list", "fs.stat", "git.log"])
      expect(decide(`/srv/vault/${path}`, tool)).toBe("allow");
  });

  test.each([
    ".env",
    "a/.env.local",
    "prod.env",
    "private/x",
    "private",
    "x/.ssh/config",
    "id_rsa",
    "a/id_ed25519.old",
    "tls/server.key",
    "aws/credentials",
    "client_secret_1.json",
    "a/.git-credentials",
  ])("hides %s", (path) => {
    for (const tool of ["search", "fetch", "index.query", "fs.readFile", "fs.list", "git.log"])
      expect(decide(`/srv/vault/${path}`, tool)).toBe("denied");
  });

  test("hides the inside of repositories from reading, and leaves their history open", () => {
    for (const path of [".git", ".git/config", "sub/.git/hooks/x"]) expect(decide(`/srv/vault/${path}`)).toBe("denied");
    const history = { kind: "git", repository: "/srv/vault", path: "", collection: true } as const;
    expect(judge(history, "git.log")).toBe("allow");
  });

  test("opens nothing else: no other folder, tool, subject or web page", () => {
    expect(decide("/home/me/a")).toBe("no_allow");
    expect(decide("/srv/vault/a", "fs.writeFile")).toBe("no_scope");
    expect(judge({ kind: "url", href: "https://a.test/", method: "GET" }, "http.fetch")).toBe("no_scope");
    expect(judge({ kind: "path", path: "/srv/vault/a" }, "fs.readFile", "duck@home")).toBe("unknown_subject");
  });
});
