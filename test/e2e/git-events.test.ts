import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Follower, followTopic, soon } from "../support/follower.ts";
import { eventually } from "../support/guests.ts";
import { verifies } from "../support/verifies.ts";
import { openWorld, type World } from "../support/world.ts";

let world: World;

const git = (...args: string[]): string =>
  execFileSync("git", ["-c", "user.name=Ada", "-c", "user.email=ada@example.test", ...args], {
    cwd: join(world.folder, "repo"),
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  }).trim();

function commit(message: string, files: Record<string, string>): string {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(world.folder, "repo", path)), { recursive: true });
    writeFileSync(join(world.folder, "repo", path), content);
  }
  git("add", "-A");
  git("commit", "-qm", message);
  return git("rev-parse", "HEAD");
}

beforeAll(async () => {
  world = await openWorld({
    policies: {
      "reader.yaml": `
subject: reader
purpose: optional
scopes:
  - { tool: "git.*", allow: ["@served/**"], deny: ["@served/repo/closed/**"] }
`,
    },
  });
  mkdirSync(join(world.folder, "repo"));
  git("init", "-q", "-b", "main");
  commit("Begin", { "a.md": "one\n", "closed/diary.md": "heron\n" });
});
afterAll(() => world?.close());

interface Told {
  readonly rewritten: boolean;
  readonly commits: readonly { readonly hash: string; readonly subject: string; readonly files: unknown[] }[];
  readonly gone: readonly string[];
}

const toldTo = ({ events }: Follower): readonly Told[] => events.map(({ data }) => data as unknown as Told);
const subjectsOf = (follower: Follower): readonly string[] =>
  toldTo(follower).flatMap(({ commits }) => commits.map(({ subject }) => subject));

verifies("D2.subscribe", async (door) => {
  const token = await world.token("reader");
  const follower = await followTopic(world, door, { token, topic: "git.subscribe", params: { repository: "repo" } });
  commit(`Only the diary ${door}`, { "closed/diary.md": `kingfisher ${door}\n` });
  const both = commit(`Both, see diary.md, ${door}`, { "a.md": `two ${door}\n`, "closed/diary.md": `owl ${door}\n` });
  await eventually(soon, () => expect(subjectsOf(follower)).toHaveLength(1));
  expect(toldTo(follower)[0]).toMatchObject({
    branch: "main",
    rewritten: false,
    commits: [{ hash: both, subject: `Both, see [hidden path], ${door}`, files: [{ path: "a.md" }] }],
  });

  // A history that is written anew: what is gone is told, and what came in its place.
  git("commit", "-q", "--amend", "-m", `Amended ${door}`);
  await eventually(soon, () => expect(toldTo(follower)).toHaveLength(2));
  expect(toldTo(follower)[1]).toMatchObject({
    rewritten: true,
    gone: [both],
    commits: [{ subject: `Amended ${door}` }],
  });
  git("reset", "-q", "--hard", "HEAD~1");
  await eventually(soon, () => expect(toldTo(follower)).toHaveLength(3));
  expect(toldTo(follower)[2]).toMatchObject({ rewritten: true, commits: [] });

  // Another branch is not followed; refs that are packed are.
  git("checkout", "-q", "-b", `topic-${door}`);
  commit(`On a topic ${door}`, { "b.md": `b ${door}` });
  git("checkout", "-q", "main");
  git("merge", "-q", "--no-ff", "-m", `Merge ${door}`, `topic-${door}`);
  git("pack-refs", "--all");
  await eventually(soon, () => expect(subjectsOf(follower)).toContain(`Merge ${door}`));
  expect(subjectsOf(follower)).toContain(`On a topic ${door}`);
  expect(JSON.stringify(follower.events)).not.toMatch(/heron|kingfisher|owl|Only the diary|closed/);
  await follower.leave();
});

test("a branch that is not there, a folder without a repository and another's are refused", async () => {
  const token = await world.token("reader");
  const code = async (params: Record<string, string>): Promise<string> => {
    const query = new URLSearchParams({ topic: "git.subscribe", ...params });
    const response = await fetch(`${world.listening.http}/v1/events?${query}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    return ((await response.json()) as { code: string }).code;
  };
  expect(await code({ repository: "repo", branch: "none" })).toBe("NOT_FOUND");
  expect(await code({ repository: "repo", branch: "main..topic" })).toBe("VALIDATION_ERROR");
  expect(await code({ repository: "repo", branch: "--all" })).toBe("VALIDATION_ERROR");
  expect(await code({ repository: "." })).toBe("NOT_FOUND");
  expect(await code({ repository: "/etc" })).toBe("PERMISSION_DENIED");
});
