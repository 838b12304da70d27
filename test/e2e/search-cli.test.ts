import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/guests.ts";
import { verifiesOnce } from "../support/verifies.ts";
import { main, type Ran, runPortcullis, startServer, stopServer } from "../support/world.ts";

let base: string;
let notes: string;
let data: string;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "portcullis-cli-")));
  [notes, data] = [join(base, "notes"), join(base, "data")];
  env = { PATH: process.env.PATH, HOME: base };
  put(
    "garden/plan.md",
    "# Garden plan\r\n\r\nPlant the \u{1F345} tomatoes.\r\n\r\n## Water\r\n\r\nWatered every evening.\r\n",
  );
  put("draft.md", "# Draft\n\nThe tomatoes are early this year.\n");
  put("keys.md", "# Keys\n\nThe orangery opens with AKIAIOSFODNN7EXAMPLQ at night.\n");
  put("steer.md", "# Steer\n\nThe kaleidoscope says \u001b]0;owned\u0007\u001b[31m and \u202e goes on.\n");
  put("private/letter.md", "# A letter\n\nThe tomatoes are a secret.\n");
  put("latin.txt", Buffer.from("The b\xe4ren sleep in the cellar.\n", "latin1"));
  put("manual.pdf", makePdf(["Pump model TS-40", "The impeller turns clockwise"]));
  put("picture.bin", Buffer.from([0, 1, 2, 3]));
  const added = await run("index", "add", notes, "--json");
  expect(added.status, added.stderr).toBe(0);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

function put(path: string, content: string | Buffer): void {
  mkdirSync(dirname(join(notes, path)), { recursive: true });
  writeFileSync(join(notes, path), content);
}

const run = (...args: readonly string[]): Promise<Ran> => runPortcullis([...args, "--data", data], env);

/** Runs a command with text on its stdin. */
async function runWith(input: string, ...args: readonly string[]): Promise<Ran> {
  const child = spawn(process.execPath, [main, ...args, "--data", data], { env, timeout: 20_000 });
  const read = async (stream: AsyncIterable<Buffer>): Promise<string> => {
    let text = "";
    for await (const piece of stream) text += piece;
    return text;
  };
  const ended = new Promise<number>((resolve) => child.once("close", (code) => resolve(code ?? -1)));
  child.stdin.on("error", () => {}).end(input);
  const [stdout, stderr, status] = await Promise.all([read(child.stdout), read(child.stderr), ended]);
  return { status, stdout, stderr };
}

/** A PDF by the book, a page per text. */
function makePdf(pages: readonly string[]): Buffer {
  const kids = pages.map((_, at) => `${4 + at * 2} 0 R`).join(" ");
  const objects = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    `<< /Type /Pages /Kids [${kids}] /Count ${pages.length} >>`,
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ...pages.flatMap((text, at) => {
      const stream = `BT /F1 12 Tf 72 720 Td (${text}) Tj ET`;
      return [
        `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents ${5 + at * 2} 0 R /Resources << /Font << /F1 3 0 R >> >> >>`,
        `<< /Length ${stream.length} >>\nstream\n${stream}\nendstream`,
      ];
    }),
  ];
  let pdf = "%PDF-1.7\n";
  const places = objects.map((object, at) => {
    const place = pdf.length;
    pdf += `${at + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(place).padStart(10, "0")} 00000 n \n`;
  });
  const size = objects.length + 1;
  const table = `xref\n0 ${size}\n0000000000 65535 f \n${places.join("")}`;
  return Buffer.from(`${pdf}${table}trailer\n<< /Size ${size} /Root 1 0 R >>\nstartxref\n${pdf.length}\n%%EOF\n`);
}

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
const referenceIn = (shown: string): string => /\S+#(?:bytes|text)=\d+-\d+\S*/.exec(shown)?.[0] ?? "";

describe("search", () => {
  test("each hit has a citation that cite takes, and the JSON carries them too", async () => {
    const shown = await run("search", "watering", "evening");
    expect(shown.status, shown.stderr).toBe(0);
    expect(shown.stdout).toMatch(/^Garden plan {2}\[notes\/garden\/plan\.md\]\n/);
    const cited = await run("cite", referenceIn(shown.stdout));
    expect(cited.stdout).toMatch(/^✓ holds/);
    expect(cited.status).toBe(0);

    const found = await run("search", "tomatoes", "--json");
    const answer = JSON.parse(found.stdout);
    expect(answer.results.map(({ id }: { id: string }) => id).sort()).toEqual([
      "notes/draft.md",
      "notes/garden/plan.md",
    ]);
    expect(Object.keys(answer.results[0])).toEqual(["id", "title", "text", "url"]);
    const checked = await runWith(found.stdout, "cite", "-", "--json");
    expect(checked.status, checked.stderr).toBe(0);
    const lines = checked.stdout.trim().split("\n");
    expect(lines.map((line) => JSON.parse(line).verdict)).toEqual(["holds", "holds"]);
  });

  test("conditions narrow it, and passages name their place", async () => {
    const ids = async (...args: readonly string[]): Promise<readonly string[]> =>
      JSON.parse((await run("search", "tomatoes", ...args, "--json")).stdout).results.map(
        ({ id }: { id: string }) => id,
      );
    expect(await ids("--path", "garden/")).toEqual(["notes/garden/plan.md"]);
    expect(await ids("--source", "elsewhere")).toEqual([]);
    expect(await ids("--tag", "none")).toEqual([]);
    expect(await ids("--limit", "1")).toHaveLength(1);
    const pages = await run("search", "impeller", "--passages");
    expect(pages.stdout).toMatch(/\n {2}page 2\n[\s\S]*manual\.pdf#text=\d+-\d+/i);
    for (const wrong of [["x", "--limit", "many"], ["x", "--path", 'a"b'], [""]])
      expect((await run("search", ...wrong)).status).toBe(64);
  });

  test("no text steers the terminal, and what is secret is masked", async () => {
    for (const args of [
      ["search", "kaleidoscope"],
      ["search", "kaleidoscope", "--passages"],
      ["cite", "notes/steer.md#bytes=0-60"],
    ]) {
      const { stdout } = await run(...args);
      expect(stdout).toContain("kaleidoscope");
      expect(stdout).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
    }
    const { stdout } = await run("search", "orangery");
    expect(stdout).toContain("opens with");
    expect(stdout).not.toContain("AKIAIOSFODNN7EXAMPLQ");
  });

  test("on a terminal what matches is bold and lines keep to its width", async (context) => {
    if (!existsSync("/usr/bin/script")) context.skip("There is no script(1) to lend a terminal.");
    const command = `stty cols 60; exec "${process.execPath}" "${main}" search watering --limit 1 --data "${data}"`;
    const shown = (more: NodeJS.ProcessEnv): string =>
      execFileSync("/usr/bin/script", ["-qec", command, "/dev/null"], {
        env: { ...env, TERM: "xterm", ...more },
        encoding: "utf8",
        timeout: 20_000,
      });
    expect(shown({})).toContain("\u001b[1mWatered\u001b[22m every");
    expect(shown({ NO_COLOR: "1" })).not.toContain("\u001b[");
  });
});

describe("cite", () => {
  const plan = (): Buffer => readFileSync(join(notes, "garden/plan.md"));

  test("the exact bytes, their hash, and what was given to compare with", async () => {
    const start = plan().indexOf("Plant");
    const span = plan().subarray(start, start + 20);
    const reference = `notes/garden/plan.md#bytes=${start}-${start + 20}`;
    const { status, stdout } = await run("cite", reference, "--sha256", sha256(span), "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      ok: true,
      verdict: "holds",
      stale: false,
      uri: `file://${notes}/garden/plan.md`,
      sha256: sha256(span),
      text: span.toString(),
      auditId: expect.stringMatching(/^[0-9A-Z]{26}$/),
    });
    expect(status).toBe(0);
    const differs = await run("cite", `file://${notes}/garden/plan.md#bytes=0-5&sha256=${"0".repeat(64)}`);
    expect(differs).toMatchObject({ status: 1, stdout: expect.stringMatching(/^✗ differs/) });
    const beyond = await run("cite", "notes/garden/plan.md#bytes=9000-9010");
    expect(beyond).toMatchObject({ status: 1, stdout: expect.stringMatching(/^✗ differs/) });
  });

  test("bytes that are no UTF-8 and masked ones are hashed as they are", async () => {
    for (const file of ["latin.txt", "keys.md"]) {
      const bytes = readFileSync(join(notes, file));
      const { status, stdout } = await run("cite", `notes/${file}#bytes=0-${bytes.length}`, "--json");
      expect(JSON.parse(stdout), stdout).toMatchObject({ verdict: "holds", sha256: sha256(bytes) });
      expect(stdout).not.toContain("AKIAIOSFODNN7EXAMPLQ");
      expect(status).toBe(0);
    }
  });

  test("a text made from its file is checked against the file that it was made from", async () => {
    const found = await run("search", "impeller", "--passages", "--json");
    const [passage] = JSON.parse(found.stdout).chunks;
    const reference = `${passage.uri}#text=${passage.start}-${passage.end}`;
    const fresh = await run("cite", reference, "--json");
    expect(JSON.parse(fresh.stdout)).toMatchObject({ verdict: "holds", form: "text", text: passage.text });
    put("manual.pdf", makePdf(["Pump model TS-41", "The impeller stands still"]));
    expect(await run("cite", reference)).toMatchObject({ status: 1, stdout: expect.stringMatching(/^✗ stale/) });
  });

  // A changed file is stale, a file that is gone is not there.
  verifiesOnce("I2.cite", async () => {
    const found = await run("search", "early", "--passages", "--json");
    put("draft.md", "# Draft\n\nThe tomatoes are late this year.\n");
    const stale = await runWith(found.stdout, "cite", "-");
    expect(stale).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(/^✗ stale/),
      stderr: "1 citation: 1 stale.\n",
    });
    rmSync(join(notes, "draft.md"));
    const gone = await runWith(found.stdout, "cite", "-");
    expect(gone).toMatchObject({ status: 1, stdout: expect.stringMatching(/^✗ NOT_FOUND/) });
  });

  test("policy decides, and the audit has it", async () => {
    for (const reference of ["notes/private/letter.md#bytes=0-5", "file:///etc/passwd#bytes=0-5"]) {
      const { status, stdout } = await run("cite", reference, "--json");
      expect(JSON.parse(stdout)).toMatchObject({ ok: false, code: "PERMISSION_DENIED" });
      expect(status).toBe(1);
    }
    const { auditId } = JSON.parse((await run("cite", "notes/keys.md#bytes=0-6", "--json")).stdout);
    const { stdout } = await run("audit", "tail", "--lines", "1000", "--json");
    const records = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(records.find(({ id }) => id === auditId)).toMatchObject({
      tool: "fs.readFile",
      door: "cli",
      subject: "owner",
      resources: [`file://${notes}/keys.md`],
    });
    expect(
      records.some(
        ({ outcome, resources }) => outcome === "PERMISSION_DENIED" && resources?.[0] === "file:///etc/passwd",
      ),
    ).toBe(true);
  });

  test("what is no citation is refused with an example, and nothing is checked", async () => {
    for (const wrong of [
      [],
      ["notes/a.md"],
      ["notes/a.md#bytes=5-1"],
      ["https://a.example/#bytes=0-1"],
      ["a/b#bytes=0-1", "--sha256", "12"],
    ]) {
      const { status, stdout, stderr } = await run("cite", ...wrong);
      expect({ status, stdout }).toEqual({ status: 64, stdout: "" });
      expect(stderr).toContain("→ portcullis cite");
    }
    const first = `{"uri":"file://${notes}/keys.md","start":0,"end":2}`;
    expect(await runWith(`${first}\nnonsense\n`, "cite", "-")).toMatchObject({ status: 64, stdout: "" });
    expect((await runWith("", "cite", "-")).status).toBe(66);
  });
});

describe("index", () => {
  test("status tells what is indexed, what waits, and what cannot be read", async () => {
    rmSync(join(notes, "draft.md"), { force: true });
    rmSync(join(notes, "later.md"), { force: true });
    const before = JSON.parse((await run("index", "add", notes, "--json")).stdout);
    expect(before).toMatchObject({ documents: 6, failed: 1, interrupted: false });
    expect(before.failures).toEqual([{ path: "notes/picture.bin", reason: expect.any(String) }]);
    expect(JSON.parse((await run("index", "status", "--json")).stdout)).toMatchObject({
      ...{ state: "settled", documents: 6, pending: 0, failed: 1 },
      failures: [{ path: "notes/picture.bin" }],
    });
    put("later.md", "# Later\n\nThe marmalade waits.\n");
    const waiting = await run("index", "status", "--watch");
    expect(waiting.status).toBe(1);
    expect(waiting.stdout).toMatch(/^notes .* 1 +1$/m);
    expect(waiting.stderr).toContain(`→ portcullis index add ${notes}`);
    for (const line of waiting.stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });

  test("a single file is added by the rules of its folder", async () => {
    put("later.md", "# Later\n\nThe marmalade waits.\n");
    expect((await run("index", "add", join(notes, "later.md"))).stdout).toMatch(/^1 document is indexed/);
    expect((await run("search", "marmalade")).status).toBe(0);
    expect((await run("index", "add", join(notes, "picture.bin"))).status).toBe(1);
    writeFileSync(join(base, "stray.md"), "# Stray\n");
    expect(await run("index", "add", join(base, "stray.md"))).toMatchObject({
      status: 66,
      stderr: expect.stringContaining(`portcullis index add ${base}`),
    });
    expect((await run("index", "add", join(base, "nothing"))).status).toBe(66);
  });

  test("what is forgotten is not found, and comes back with the next walk", async () => {
    put("later.md", "# Later\n\nThe marmalade waits.\n");
    expect((await run("index", "add", notes)).status).toBe(0);
    const forgotten = await run("index", "forget", join(notes, "garden"), "--json");
    expect(JSON.parse(forgotten.stdout)).toMatchObject({ forgotten: 1 });
    expect((await run("search", '"watered every evening"')).status).toBe(1);
    expect(await run("index", "forget", join(notes, "garden"))).toMatchObject({ status: 1 });
    expect((await run("index", "forget", "notes/later.md")).status).toBe(0);
    expect((await run("search", '"marmalade waits"')).status).toBe(1);
    expect((await run("index", "rebuild")).status).toBe(0);
    for (const word of ["watering", "marmalade"]) expect((await run("search", word)).status).toBe(0);
  });

  test("a running server keeps its own index, and status asks nothing of it", async () => {
    const { documents } = JSON.parse((await run("index", "add", notes, "--json")).stdout);
    const { server } = await startServer([notes, "--data", data], env);
    try {
      for (const args of [["add", notes], ["rebuild"], ["forget", notes]]) {
        const { status, stderr } = await run("index", ...args);
        expect(status).toBe(75);
        expect(stderr).toMatch(/A server \(http:\S+, pid \d+\) uses the data folder[\s\S]*→ /);
      }
      for (let at = 0; at < 300; at++) put(`many/${at}.md`, `# Note ${at}\n\nThe marzipan of day ${at}.\n`);
      const watched = await run("index", "status", "--watch", "--json");
      expect(watched.status, watched.stderr).toBe(0);
      const last = JSON.parse(watched.stdout.trim().split("\n").at(-1) ?? "");
      expect(last).toMatchObject({
        state: "following",
        pending: 0,
        documents: documents + 300,
        server: { pid: server.pid },
      });
    } finally {
      await stopServer(server, "SIGTERM");
    }
    await eventually(5_000, async () => expect((await run("index", "forget", "notes")).status).toBe(0));
    expect(JSON.parse((await run("index", "status", "--json")).stdout)).toMatchObject({ documents: 0, folders: [] });
    expect((await run("index", "rebuild")).status).toBe(66);
  });

  test("an interrupted run keeps what it has, and goes on from there", async () => {
    const many = join(base, "many");
    mkdirSync(many);
    for (let at = 0; at < 4_000; at++)
      writeFileSync(join(many, `${at}.md`), `# Note ${at}\n\n${`The nougat of day ${at}. `.repeat(40)}\n`);
    const child = spawn(process.execPath, [main, "index", "add", many, "--json", "--data", data], { env });
    let said = "";
    child.stdout.on("data", (piece: Buffer) => {
      said += piece;
    });
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    const holder = join(data, "server.json");
    await eventually(10_000, async () => expect(existsSync(holder)).toBe(true));
    await new Promise((resolve) => setTimeout(resolve, 500));
    child.kill("SIGINT");
    const status = await ended;
    const { interrupted } = JSON.parse(said) as { interrupted: boolean };
    expect(status).toBe(interrupted ? 1 : 0);
    const again = await run("index", "add", many, "--json");
    expect(JSON.parse(again.stdout)).toMatchObject({ interrupted: false, documents: 4_000 });
  });
});
