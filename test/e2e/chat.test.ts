import { spawn } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { asGuest, eventually } from "../support/guests.ts";
import type { ScriptedModel, Step } from "../support/models/script.ts";
import { createScriptedChat } from "../support/models/scripted-chat.ts";
import { verifiesOnce } from "../support/verifies.ts";
import { main, openWorld, type Ran, type World } from "../support/world.ts";

let world: World;
let model: ScriptedModel;
/** What the model does now. */
let script: readonly Step[] = [{ says: "…" }];
const scripted = new Proxy([] as Step[], { get: (_, key) => Reflect.get(script, key) });

beforeAll(async () => {
  model = await createScriptedChat(scripted);
  world = await openWorld({
    files: {
      "plants.md": "# Plants\n\nWater the ferns on Thursday.\n",
      "plans/garden.md": "# Garden\n\nPlant a walnut.\n",
    },
    policies: {
      "asking.yaml": `
subject: "*@asking"
purpose: required
scopes:
  - { tool: [search, fetch, fs.readFile], allow: ["FOLDER/plants.md"] }
`,
    },
    settings: [
      "models:",
      `  - { name: near, kind: ollama, url: "${model.url}", model: scripted }`,
      `  - { name: hosted, kind: openai, url: "${model.url}/v1", model: scripted, key: { secret: model-key-1 } }`,
      `  - { name: far, kind: openai, url: "${model.url}/v1", model: scripted, leaves: true }`,
      "",
    ].join("\n"),
  });
  await asGuest(world, { door: "http", subject: "owner" }, async (owner) => {
    await eventually(10_000, async () =>
      expect(
        (await owner.call("search", { query: "ferns" }, { purpose: `${performance.now()}` })).result.results,
      ).toHaveLength(1),
    );
  });
});
afterAll(async () => {
  await world?.close();
  await model?.close();
});

/** Runs `portcullis chat` with these lines on its input. */
function talk(args: readonly string[], input: string, env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const child = spawn(process.execPath, [main, "chat", ...args, "--data", world.data], {
    env: { PATH: process.env.PATH, HOME: world.base, ...env },
    stdio: ["pipe", "pipe", "pipe"],
    timeout: 30_000,
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdin.end(input);
  return new Promise((resolve) => child.once("close", (code) => resolve({ status: code ?? -1, stdout, stderr })));
}

type Line = Readonly<Record<string, unknown>>;
const toLines = (stdout: string): readonly Line[] =>
  stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);

describe("portcullis chat", { timeout: 60_000 }, () => {
  verifiesOnce("K2.chat", async () => {
    for (const name of ["near", "hosted"]) {
      const before = (await world.audit()).length;
      script = [
        { tool: /^search$/, args: { query: "ferns", purpose: "to plan the week" } },
        { tool: /^fs_readFile$/, args: { path: "notes/plants.md" } },
        { says: "They want water on Thursday [1], and a walnut [9].\u001b[31m\u009b2J" },
      ];
      const { status, stdout, stderr } = await talk(["--model", name], "When do the ferns want water?\n/open 1\n");
      expect(status, stderr).toBe(0);
      expect(stdout).toContain("They want water on Thursday [1]");
      expect(stdout).toMatch(/\[1\] .*notes\/plants\.md, bytes \d+/);
      expect(stdout).toContain("[9] there is no such citation");
      expect(stdout).toMatch(/✓ \[1\].*holds/);
      expect(stdout).toContain("  Water the ferns on Thursday.");
      expect(stderr).toContain("why: to plan the week");
      expect(stderr).toMatch(/✓ allowed; \[1\]/);
      expect(stderr).toContain("private notes");
      // Nothing that steers a terminal, and no colours in a pipe.
      for (const steering of ["\u001b", "\u009b"]) expect(stdout + stderr).not.toContain(steering);
      expect(model.results()[0]).toContain("[1] notes/plants.md");

      const records = (await world.audit()).slice(before);
      const prompt = records.find(({ args }) => (args as { kind?: string })?.kind === "prompt");
      const chain = records.filter(({ parent }) => parent === prompt?.id);
      expect(chain.map(({ tool, method }) => tool ?? method)).toEqual(["search", "fs.readFile", "audit.note"]);
      expect(chain[0]).toMatchObject({ purpose: { text: "to plan the week", stated: true }, agent: "portcullis chat" });
      // The token that the chat was given ends with it.
      const { tokens } = JSON.parse((await world.run("token", "list", "--json")).stdout);
      expect(tokens.filter(({ name, state }: Line) => String(name).startsWith("chat-") && state === "valid")).toEqual(
        [],
      );
    }
  });

  verifiesOnce("K2.consent", async () => {
    script = [
      { tool: /^fs_readFile$/, args: { path: "notes/plans/garden.md", purpose: "plan the garden" } },
      { says: "Done." },
    ];
    const asked = ["--subject", "amy@asking", "--model", "near", "--consent", "ask"];
    const allowed = await talk(asked, "What shall I plant?\nonce\n");
    expect(allowed.status, allowed.stderr).toBe(0);
    expect(allowed.stderr).toContain("PERMISSION_DENIED");
    expect(allowed.stderr).toContain("this call with exactly these arguments, a single time");
    expect(allowed.stderr).toContain("the owner's answer: allowed");
    expect(model.results().at(-1)).toContain("Plant a walnut.");
    // It was for one call; what is no answer is no.
    const refused = await talk(asked.with(1, "bob@asking"), "What shall I plant?\nyes please\n");
    expect(refused.stderr).toContain("the owner's answer: denied");
    expect(model.results().at(-1)).toMatch(/PERMISSION_DENIED.*\n.*did not allow/);
    // Far from the data folder, the owner's token makes an owner.
    const far = ["--url", world.listening.http, "--model", "near", "--consent", "ask"];
    const tokens = { PORTCULLIS_TOKEN: await world.token("kim@asking"), PORTCULLIS_OWNER_TOKEN: world.ownerToken };
    const byToken = await talk(far, "What shall I plant?\nonce\n", tokens);
    expect(byToken.stderr).toContain("the owner's answer: allowed");
    expect(model.results().at(-1)).toContain("Plant a walnut.");
    // Without anyone to ask, the refusal is told at once, and no line of the input answers it.
    const piped = await talk(["--subject", "eve@asking", "--model", "near"], "What shall I plant?\nonce\n");
    expect(piped.stderr).toMatch(/portcullis consent show [0-9A-Z]{26}/);
    expect(piped.stdout.match(/Done\./g)).toHaveLength(2);
    expect(JSON.stringify(model.results())).not.toContain("walnut");
  });

  verifiesOnce("K2.leaves", async () => {
    script = [{ tool: /^search$/, args: { query: "ferns" } }, { says: "I was given nothing." }];
    const held = await talk(["When?", "--model", "far", "--json"], "");
    const events = toLines(held.stdout);
    expect(events.map(({ event }) => event)).toEqual(
      expect.arrayContaining(["prompt", "call", "verdict", "flow", "withheld", "text", "answer"]),
    );
    expect(events.find(({ event }) => event === "withheld")).toMatchObject({ private: ["notes"] });
    expect(JSON.stringify(model.turns.at(-1)?.body)).not.toContain("Thursday");
  });

  test("a model that fails is a fault with its place, and an exit status", async () => {
    const gone = await talk(["hello", "--model", "ollama:none", "--json"], "", {});
    expect(gone.status).toBe(69);
    expect(toLines(gone.stdout).at(-1)).toMatchObject({ event: "fault", next: expect.any(String) });
    const none = await talk(["hello", "--model", "nobody"], "");
    expect(none.status).toBe(78);
    expect(none.stderr).toContain("near, hosted, far");
  });

  test("Ctrl-C stops the question that is under way, and its call", async () => {
    script = [{ tool: /^fs_readFile$/, args: { path: "notes/plans/garden.md", purpose: "wait" } }, { says: "no" }];
    const child = spawn(
      process.execPath,
      [
        main,
        "chat",
        "What?",
        "--subject",
        "zoe@asking",
        "--model",
        "near",
        "--consent",
        "wait",
        "--json",
        "--data",
        world.data,
      ],
      {
        env: { PATH: process.env.PATH, HOME: world.base },
        stdio: ["pipe", "pipe", "pipe"],
      },
    );
    let stdout = "";
    let stopped = false;
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      if (stopped || !/"event":"consent"/.test(stdout)) return;
      // Once: a second one would end the command at once.
      stopped = true;
      child.kill("SIGINT");
    });
    const status = await new Promise((resolve) => child.once("close", resolve));
    expect(toLines(stdout).at(-1)).toEqual({ event: "stopped" });
    expect(status).toBe(1);
  });

  test("a real Ollama answers, where one is", async () => {
    const listed = await fetch("http://127.0.0.1:11434/api/tags", { signal: AbortSignal.timeout(1_000) }).catch(
      () => undefined,
    );
    const { models = [] } = ((await listed?.json().catch(() => ({}))) ?? {}) as {
      models?: readonly { name: string }[];
    };
    const [first] = models;
    if (!first) {
      console.warn("A real Ollama is skipped: none with a model answers on port 11434.");
      expect(models).toEqual([]);
      return;
    }
    const ran = await talk(["Say hello.", "--model", `ollama:${first.name}`, "--tools", "search", "--json"], "");
    expect(toLines(ran.stdout).at(-1)?.event, ran.stderr).toMatch(/^(answer|fault)$/);
  });
});
