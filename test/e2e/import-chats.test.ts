import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Zip, ZipDeflate, zipSync } from "fflate";
import { afterAll, beforeEach, expect, test } from "vitest";
import { verifiesOnce } from "../support/verifies.ts";
import { runPortcullis } from "../support/world.ts";

const base = mkdtempSync(join(tmpdir(), "portcullis-chats-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));
let data = "";
let count = 0;
beforeEach(() => {
  data = join(base, `data-${++count}`);
});

const env = { PATH: process.env.PATH, HOME: base };
const run = (...words: string[]) => runPortcullis([...words, "--data", data], env);
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

const message = (id: string, role: string, text: string, parent: string, children: string[]) => ({
  [id]: {
    id,
    parent,
    children,
    message: { id, author: { role }, create_time: 1_700_000_000, content: { content_type: "text", parts: [text] } },
  },
});
const conversation = (id: string, about: string) => ({
  title: `Talk of ${about}`,
  create_time: 1_700_000_000,
  update_time: 1_700_000_100,
  current_node: `${id}-2`,
  conversation_id: id,
  mapping: {
    ...message(`${id}-1`, "user", `What of the ${about}?`, "", [`${id}-2`]),
    ...message(`${id}-2`, "assistant", `The ${about} stands by the quince tree.`, `${id}-1`, []),
  },
});
const chats = (...about: string[]): string => JSON.stringify(about.map((one, at) => conversation(`c${at}`, one)));
const others = { "user.json": utf8('{"email":"me@example.org"}'), "dalle/picture.png": utf8("png") };

function put(name: string, bytes: Uint8Array | string): string {
  const path = join(base, `${count}-${name}`);
  writeFileSync(path, bytes);
  return path;
}
const archive = (text = chats("gazebo", "trellis")): Buffer =>
  Buffer.from(zipSync({ "conversations.json": utf8(text), ...others }));
/** An archive with its first entry's central record changed at an offset. */
function forge(change: (bytes: Buffer, central: number) => void, text?: string): Buffer {
  const bytes = archive(text);
  change(bytes, bytes.indexOf(Buffer.from([0x50, 0x4b, 1, 2])));
  return bytes;
}
/** Everything of the data folder that an import writes. */
const written = (): readonly string[] =>
  (existsSync(data) ? readdirSync(data) : [])
    .filter((place) => /^(chats|imports|chats\.new.*)$/.test(place))
    .flatMap((place) => [
      ...(place.startsWith("chats.new") ? [place] : []),
      ...readdirSync(join(data, place), { recursive: true, encoding: "utf8" }).filter((name) => /\./.test(name)),
    ]);

verifiesOnce("D6.import", async () => {
  const file = put("export.zip", archive());
  const tried = await run("import", "chatgpt", file, "--dry-run");
  expect(tried.stdout).toContain("Would import 2 conversations");
  expect(tried.stdout).toContain("2 other files are left out");
  expect(written()).toEqual([]);

  const done = await run("import", "chatgpt", file, "--json");
  expect(done.status, done.stderr).toBe(0);
  const said = JSON.parse(done.stdout) as { folder: string; conversations: number; indexed: string };
  expect(said).toMatchObject({ conversations: 2, indexed: "now", kind: "chatgpt", known: false });
  expect(readdirSync(said.folder)).toEqual(["conversations.json"]);

  const found = JSON.parse((await run("search", "quince trellis", "--json")).stdout) as {
    results: readonly { id: string; title: string }[];
  };
  expect(found.results[0]).toMatchObject({ title: "Talk of trellis" });
  expect(found.results[0]?.id).toMatch(/^chats\/chatgpt\/.*conversations\.json!c1$/);

  const again = await run("import", "chatgpt", file);
  expect(again.stdout).toContain("imported before");

  const undone = await run("import", "chatgpt", "--undo");
  expect(undone.status, undone.stderr).toBe(0);
  expect(existsSync(said.folder)).toBe(false);
  const after = JSON.parse((await run("search", "quince", "--json")).stdout) as { results: readonly unknown[] };
  expect(after.results).toEqual([]);
  expect((await run("import", "chatgpt", "--undo")).status).toBe(1);
});

test("an unpacked folder is imported too, without what its links lead to; an export in parts is one import", async () => {
  const folder = join(base, `${count}-unpacked`);
  mkdirSync(folder);
  writeFileSync(join(folder, "conversations-000.json"), chats("gazebo"));
  writeFileSync(join(folder, "user.json"), "{}");
  cpSync(join(folder, "conversations-000.json"), join(base, "secret.json"));
  symlinkSync(join(base, "secret.json"), join(folder, "conversations-001.json"));
  const { status, stdout, stderr } = await run("import", "chatgpt", folder, "--json");
  expect(status, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ conversations: 1, files: ["conversations-000.json"], others: 2 });
});

test("two imports at the same time are both whole; what a killed one left behind goes, and what a running one holds stays", async () => {
  const files = [put("one.zip", archive(chats("gazebo"))), put("two.zip", archive(chats("trellis", "arbour")))];
  const ended = spawnSync("true").pid;
  const [left, held] = [join(data, `chats.new-${ended}-abc`), join(data, `chats.new-${process.pid}-abc`)];
  for (const folder of [left, held]) mkdirSync(folder, { recursive: true });
  const done = await Promise.all(files.map((file) => run("import", "chatgpt", file, "--json")));
  for (const { status, stderr } of done) expect(status, stderr).toBe(0);
  const told = done.map(({ stdout }) => JSON.parse(stdout) as { folder: string; conversations: number });
  expect(told.map(({ conversations }) => conversations)).toEqual([1, 2]);
  for (const { folder } of told) expect(readdirSync(folder)).toEqual(["conversations.json"]);
  expect([existsSync(left), existsSync(held)]).toEqual([false, true]);
  // Each is known, and each can be taken back.
  for (const file of files) expect((await run("import", "chatgpt", file)).stdout).toContain("imported before");
  for (const _ of files) expect((await run("import", "chatgpt", "--undo")).status).toBe(0);
  expect(told.map(({ folder }) => existsSync(folder))).toEqual([false, false]);
});

test("Claude's export is imported under its own word, and each word refuses the other's", async () => {
  const claude = JSON.stringify([
    {
      uuid: "u1",
      name: "Of herons",
      created_at: "2026-01-02T03:04:05Z",
      chat_messages: [
        { uuid: "m1", sender: "human", text: "Where do herons nest?", created_at: "2026-01-02T03:04:05Z" },
      ],
    },
  ]);
  const file = put("claude.zip", archive(claude));
  const refused = await run("import", "chatgpt", file);
  expect(refused).toMatchObject({ status: 65, stdout: "" });
  expect(refused.stderr).toContain("This is Claude's export");
  expect(refused.stderr).toContain("portcullis import claude-chats FILE");
  expect(written()).toEqual([]);
  const { status, stderr } = await run("import", "claude-chats", file);
  expect(status, stderr).toBe(0);
});

verifiesOnce("D6.refused", async () => {
  const good = archive();
  const bomb = "z".repeat(64 * 1024 * 1024);
  const refused: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ["encrypted", forge((bytes, at) => bytes.writeUInt16LE(bytes.readUInt16LE(at + 8) | 1, at + 8)), /password/],
    ["half", good.subarray(0, good.length - 40), /not all of one/],
    ["no-zip", Buffer.from("PK? no."), /no zip archive/],
    ["cut-json", archive(chats("gazebo", "trellis").slice(0, -40)), /ends in the middle/],
    ["checksum", forge((bytes, at) => bytes.writeUInt32LE(7, at + 16)), /checksum/],
    ["damaged", forge((bytes) => bytes.fill(0xff, 60, 90)), /damaged/],
    ["bomb", archive(`[{"title":"${bomb}"}]`), /bomb/],
    ["lying-bomb", forge((bytes, at) => bytes.writeUInt32LE(5_000, at + 24), `[{"title":"${bomb}"}]`), /damaged/],
    [
      "link",
      forge((bytes, at) => {
        bytes.writeUInt8(3, at + 5);
        bytes.writeUInt32LE(0xa1ff0000, at + 38);
      }),
      /no plain file/,
    ],
    ["climbing", Buffer.from(zipSync({ "../conversations.json": utf8(chats("gazebo")) })), /outside of itself/],
    ["absolute", Buffer.from(zipSync({ "/etc/conversations.json": utf8(chats("gazebo")) })), /outside of itself/],
    ["empty", Buffer.from(zipSync(others)), /holds no conversations/],
    ["other-json", archive('{"hello":"world"}'), /holds no conversations/],
    [
      "twice",
      Buffer.from(zipSync({ "a/conversations.json": utf8("[]"), "b/conversations.json": utf8("[]") })),
      /two files/,
    ],
  ];
  for (const [name, bytes, why] of refused) {
    const file = put(`${name}.zip`, bytes);
    const { status, stdout, stderr } = await run("import", "chatgpt", file);
    expect({ name, status, stdout }).toEqual({ name, status: 65, stdout: "" });
    expect(stderr, name).toMatch(why);
    expect(stderr, name).toMatch(/Nothing was imported[\s\S]*→/);
    expect(written(), name).toEqual([]);
  }
  const missing = await run("import", "chatgpt", join(base, "nowhere.zip"));
  expect(missing.stderr).toContain("there is nothing there");
});

/** A large export on the disk, without ever holding it. */
async function putLarge(bytes: number): Promise<string> {
  const pieces: Uint8Array[] = [];
  const zip = new Zip((_error, piece) => pieces.push(piece));
  const entry = new ZipDeflate("conversations.json", { level: 1 });
  zip.add(entry);
  entry.push(utf8("["));
  let random = 7;
  const word = (): string => {
    random = (random * 1_103_515_245 + 12_345) % 2_147_483_648;
    return (random % 20_000).toString(36);
  };
  for (let size = 0, at = 0; size < bytes; at++) {
    const text = JSON.stringify(conversation(`c${at}`, Array.from({ length: 1_000 }, word).join(" ")));
    size += text.length;
    entry.push(utf8(`${at > 0 ? "," : ""}${text}`));
  }
  entry.push(utf8("]"), true);
  zip.end();
  return put("large.zip", Buffer.concat(pieces));
}

verifiesOnce("D6.bounded", async () => {
  const peak = async (file: string): Promise<number> => {
    data = join(base, `data-${++count}`);
    const tell = "process.on('exit',()=>process.stderr.write('PEAK '+process.resourceUsage().maxRSS))";
    const watched = { ...env, NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(tell)}` };
    const { status, stderr } = await runPortcullis(["import", "chatgpt", file, "--data", data], watched);
    expect(status, stderr).toBe(0);
    return Number(/PEAK (\d+)/.exec(stderr)?.[1]);
  };
  const small = await peak(put("small.zip", archive()));
  const large = await peak(await putLarge(96 * 1024 * 1024));
  expect(large - small).toBeLessThan(150 * 1024);
});
