// Secrets in every place where a message can carry them, texts that hold none, and patterns and texts made to be slow: what the redaction does with them.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { checkPattern, compilePatterns } from "../../packages/server/src/redaction/patterns.ts";
import { createRedactor } from "../../packages/server/src/redaction/redactor.ts";
import { scrubStream } from "../../packages/server/src/redaction/stream.ts";
import { machine, table } from "../measure.ts";
import { readCorpus } from "./corpus.ts";
import { leaks } from "./redaction/oracle.ts";

interface Sample {
  readonly id: string;
  readonly origin: string;
  readonly label: "pos" | "neg" | "amb";
  readonly text: string;
  readonly secrets: readonly string[];
}
interface Carrier {
  readonly id: string;
  readonly carrier: string;
  readonly secret: string;
  readonly message: unknown;
}
interface Slow {
  readonly id: string;
  readonly pattern: string;
  readonly flags: string;
  readonly prefix: string;
  readonly pump: string;
  readonly suffix: string;
}

const samples = readCorpus<Sample>("secrets");
const benign = readCorpus<Sample>("secrets-benign");
const carriers = readCorpus<Carrier>("secrets-carriers");
const slow = readCorpus<Slow>("redos");
if (!samples || !benign || !carriers || !slow) {
  console.log(
    "No corpus: PORTCULLIS_CORPORA names no folder with secrets, secrets-benign, secrets-carriers and redos.",
  );
  process.exit(0);
}
const verbose = process.argv.includes("--rows");
const told = (what: string, row: { readonly id: string }, more = ""): void => {
  if (verbose) console.log(`  ${what} ${row.id} ${more}`);
};
const redactor = createRedactor();
const rows: string[][] = [["what", "measured", "peer", "aim"]];
const share = (part: number, of: number): string =>
  `${part.toLocaleString("en")} of ${of.toLocaleString("en")} (${((100 * part) / Math.max(1, of)).toFixed(1)} %)`;
const maskOf = /\[redacted:[a-z0-9-]+\]/g;
const spansIn = (masked: Readonly<Record<string, number>>): number => Object.values(masked).reduce((a, b) => a + b, 0);

function inCarriers(): void {
  let leaked = 0;
  let registered = 0;
  for (const row of carriers ?? []) {
    if (leaks(redactor.scrub(row.message).value, row.secret)) {
      leaked++;
      told("leaked in", row, row.carrier);
    }
    const owner = createRedactor({ secrets: [{ name: "owner", value: row.secret }] });
    if (leaks(owner.scrub(row.message).value, row.secret)) {
      registered++;
      told("registered, leaked in", row, row.carrier);
    }
  }
  const all = carriers?.length ?? 0;
  rows.push(["7 carriers leaked", share(leaked, all), "1,816 of 2,429; prototype 74", "0"]);
  rows.push(["9 registered secrets leaked, carriers", share(registered, all), "-", "0"]);
}

/** Values drawn by a seed that nothing but their being registered gives away, in each encoding, at each place in a longer text. */
function registeredValues(): void {
  let state = 7;
  const next = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const words = ["harbour", "Lantern/", "o'clock", "grüße", 'say "so"', "a\\b", "tin+can", "blue&sky"];
  let leaked = 0;
  let all = 0;
  for (let round = 0; round < 200; round++) {
    const value = `${words[next(words.length)]} ${words[next(words.length)]}-${words[next(words.length)]}`;
    const owner = createRedactor({ secrets: [{ name: "owner", value }] });
    for (const before of ["", "x", "xy"]) {
      const glued = Buffer.from(`${before}${value} tail`);
      for (const text of [
        value,
        JSON.stringify(value),
        JSON.stringify({ at: JSON.stringify({ value }) }),
        encodeURIComponent(value),
        encodeURIComponent(value).replace(/%../g, (pair) => pair.toLowerCase()),
        glued.toString("base64"),
        glued.toString("base64url"),
        glued.toString("hex"),
        glued.toString("hex").toUpperCase(),
      ]) {
        all++;
        if (leaks(owner.scrub({ text: `${before} ${text} after` }).value, value)) leaked++;
      }
    }
  }
  rows.push(["9 registered secrets leaked, encodings", share(leaked, all), "-", "0"]);
}

async function* cut(text: string, size: number): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size);
}

async function inStreams(): Promise<void> {
  const given = (samples ?? []).filter(({ label, secrets }) => label === "pos" && secrets.every((s) => s.length >= 8));
  const found = given.filter(
    ({ text, secrets }) => !secrets.some((secret) => leaks(redactor.scrubText(text).value, secret)),
  );
  const step = Math.max(1, Math.floor(found.length / 300));
  const chosen = found.filter((_, at) => at % step === 0).slice(0, 300);
  const filler = "The tide came in over the flats, and nobody had moved the boats.\n".repeat(90);
  for (const size of [1, 7, 16, 64, 256, 1_024]) {
    let leaked = 0;
    for (const row of chosen) {
      const text = `${filler}${row.text}\n${filler}`;
      let out = "";
      const scrub = (part: string) => redactor.scrubText(part);
      for await (const piece of scrubStream(cut(text, size), { scrub, measure: (part) => Buffer.byteLength(part) }))
        out += piece.text;
      if (row.secrets.some((secret) => leaks(out, secret))) {
        leaked++;
        told(`leaked in a stream by ${size}`, row);
      }
    }
    rows.push([`8 streams leaked, chunks of ${size}`, share(leaked, chosen.length), "300 of 300 by chunk", "0"]);
  }
}

function positives(): void {
  const peers: Readonly<Record<string, string>> = {
    gitleaks: "5,989 of 5,990 by its own rules",
    trufflehog: "best union 82 % / 57 %",
    "detect-secrets": "best union 88 %",
    secretlint: "best union 81 %",
  };
  let allHit = 0;
  let allFull = 0;
  let all = 0;
  for (const origin of new Set((samples ?? []).map((row) => row.origin))) {
    const given = (samples ?? []).filter((row) => row.origin === origin && row.label === "pos");
    let hit = 0;
    let full = 0;
    for (const row of given) {
      const { value } = redactor.scrubText(row.text);
      const left = value.replace(maskOf, "\0");
      const gone = row.secrets.every((secret) => !leaks(left, secret) && !left.includes(secret));
      if (value !== row.text) hit++;
      else told(`missed ${origin}`, row);
      if (value !== row.text && gone) full++;
    }
    const aim = origin === "gitleaks" ? "-" : "85 % / 75 %";
    rows.push([
      `10 found, ${origin}`,
      `${share(hit, given.length)}, full ${share(full, given.length)}`,
      peers[origin] ?? "-",
      aim,
    ]);
    if (origin === "gitleaks") continue;
    allHit += hit;
    allFull += full;
    all += given.length;
  }
  rows.push([
    "10 unseen providers",
    `${share(allHit, all)}, full ${share(allFull, all)}`,
    "82 % / 57 %",
    "85 % / 75 %",
  ]);
}

function negatives(): void {
  const authored = (samples ?? []).filter((row) => row.label === "neg");
  let flagged = 0;
  for (const row of authored) {
    const { masked } = redactor.scrubText(row.text);
    if (spansIn(masked) === 0) continue;
    flagged++;
    told("flagged", row, Object.keys(masked).join(","));
  }
  rows.push(["11 authored negatives flagged", share(flagged, authored.length), "35 to 151 of 460", "10 %"]);
  let spans = 0;
  let docs = 0;
  let characters = 0;
  for (const row of benign ?? []) {
    const { masked } = redactor.scrubText(row.text);
    characters += row.text.length;
    spans += spansIn(masked);
    if (spansIn(masked) === 0) continue;
    docs++;
    told("benign flagged", row, Object.keys(masked).join(","));
  }
  const rate = `${(spans / (characters / 1e6)).toFixed(2)} (${spans} in ${(characters / 1e6).toFixed(1)} MB)`;
  rows.push(["11 false spans per MB", rate, "0.1 to 43", "2"]);
  rows.push(["11 benign docs flagged", share(docs, benign?.length ?? 0), "1 to 53 of 2,592", "0.5 %"]);
}

function slowPatterns(): void {
  // Rows without a pump are texts of other engines' faults.
  const tried = (slow ?? []).filter(({ pump }) => typeof pump === "string");
  let refused = 0;
  let late = 0;
  let longest = 0;
  for (const row of tried) {
    const pattern = row.flags ? `(?${row.flags.replace(/[^ims]/g, "")})${row.pattern}`.replace("(?)", "") : row.pattern;
    const wrong = checkPattern(pattern);
    if (wrong !== undefined) {
      refused++;
      continue;
    }
    const { prefix, pump, suffix } = row;
    const room = 100_000 - prefix.length - suffix.length;
    const text = prefix + pump.repeat(Math.floor(room / pump.length)) + suffix;
    const patterns = compilePatterns([pattern]);
    const started = performance.now();
    redactor.scrubText(text, patterns);
    const took = performance.now() - started;
    longest = Math.max(longest, took);
    if (took < 50) continue;
    late++;
    told(`took ${took.toFixed(0)} ms`, row, pattern);
  }
  const all = tried.length;
  rows.push(["12 patterns neither refused nor fast", share(late, all), "re2js 29, V8 47 of 60", "0"]);
  rows.push(["12 patterns refused, slowest other", `${refused}, ${longest.toFixed(1)} ms`, "1,485 ms", "50 ms"]);
}

/** Texts of a megabyte and more that are made to cost as much as they can. */
function hostileTexts(): Readonly<Record<string, string>> {
  const fill = (pump: string, size = 1_000_000): string => pump.repeat(Math.ceil(size / pump.length)).slice(0, size);
  let nested = fill("password=hunter2Xq9 ", 200_000);
  for (let depth = 0; depth < 4; depth++) nested = Buffer.from(nested).toString("base64");
  return {
    "many secrets": fill("password=Xq9w7ePz2LmVr4 "),
    "many masks and secrets": fill("[redacted:a]password=Xq9w7ePz2LmVr4 "),
    "nested base64": nested,
    percents: fill("%25"),
    "backslashes and names": fill('\\u0070assword\\":\\"'),
    "base64 lines": fill(`${"QUJDREVGR0hJSktM".repeat(4)}\n`),
    "open keys": fill("-----BEGIN PRIVATE KEY-----\n"),
    urls: fill("a://a:a"),
    names: fill("api_key: token = secret password "),
    tags: fill("a<em>b</em>"),
    clean: fill("The tide came in over the flats. "),
  };
}

async function onTheLoop(): Promise<void> {
  const large = Object.entries(hostileTexts());
  // Small enough to be begun between two calls.
  const small = large.map(([name, text]) => [`${name}, small`, text.slice(0, 30_000)] as const);
  let longest = 0;
  for (const [name, text] of [...large, ...small]) {
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    await new Promise((done) => setTimeout(done, 20));
    const idle = performance.eventLoopUtilization();
    const started = performance.now();
    const { masked } = await redactor.scrubApart({ text });
    const took = performance.now() - started;
    const busy = performance.eventLoopUtilization(idle).active;
    await new Promise((done) => setTimeout(done, 20));
    delay.disable();
    longest = Math.max(longest, delay.max / 1e6);
    const kinds = masked.withheld ? ", withheld" : "";
    rows.push([
      `12 ${name}`,
      `loop busy ${busy.toFixed(1)} ms in all, took ${took.toFixed(0)} ms${kinds}`,
      "-",
      "50 ms",
    ]);
  }
  rows.push(["12 longest stall of the loop", `${longest.toFixed(1)} ms`, "240 ms before", "50 ms"]);
}

function speed(): void {
  const text = (benign ?? [])
    .map((row) => row.text)
    .join("\n")
    .slice(0, 4_000_000);
  const pieces = Array.from({ length: Math.floor(text.length / 20_000) }, (_, at) =>
    text.slice(at * 20_000, (at + 1) * 20_000),
  );
  for (let warm = 0; warm < 2; warm++) for (const piece of pieces) redactor.scrubText(piece);
  const started = performance.now();
  for (const piece of pieces) redactor.scrubText(piece);
  const seconds = (performance.now() - started) / 1_000;
  rows.push(["   clean text", `${((pieces.length * 20_000) / 1e6 / seconds).toFixed(0)} MB/s`, "-", "40 MB/s"]);
}

inCarriers();
await inStreams();
registeredValues();
positives();
negatives();
slowPatterns();
await onTheLoop();
speed();
await redactor.close();
console.log(machine());
console.log(table(rows));
