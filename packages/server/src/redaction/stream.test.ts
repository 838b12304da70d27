import { expect, test } from "vitest";
import { createRedactor } from "./redactor.ts";
import { type ScrubbedPiece, scrubStream } from "./stream.ts";

const redactor = createRedactor();
const scrub = (text: string) => redactor.scrubText(text);
const measure = (text: string): number => Buffer.byteLength(text);

/** Made up: the shape is all that counts. */
const key = `AKIA${"Q7ZK3M9XWB2LTC5D"}`;
const block = `-----BEGIN RSA PRIVATE KEY-----\n${"MIIEowIBAAKCAQEAz8Qk3vT1yLw0pXh5\n".repeat(40)}-----END RSA PRIVATE KEY-----\n`;

/** Numbers that follow from a seed. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

async function* inPieces(text: string, size: (at: number) => number): AsyncGenerator<string> {
  for (let at = 0; at < text.length; ) {
    const length = Math.max(1, size(at));
    yield text.slice(at, at + length);
    at += length;
  }
}

async function run(
  text: string,
  options: { skip?: number; take?: number; size?: number } = {},
): Promise<readonly ScrubbedPiece[]> {
  const { size = 7_001, ...rest } = options;
  const pieces: ScrubbedPiece[] = [];
  for await (const piece of scrubStream(
    inPieces(text, () => size),
    { scrub, measure, ...rest },
  ))
    pieces.push(piece);
  return pieces;
}

const joined = (pieces: readonly ScrubbedPiece[]): string => pieces.map(({ text }) => text).join("");

const line = (number: number): string => `line ${number}: what anyone may read, Grüße, 🙂\n`;
const lines = (count: number): string => Array.from({ length: count }, (_, number) => line(number)).join("");

test("what comes in pieces is masked as it is in one", async () => {
  const next = random(7);
  for (let round = 0; round < 8; round++) {
    let text = "";
    while (text.length < 200_000) {
      text += line(Math.floor(next() * 1e6)).repeat(1 + Math.floor(next() * 400));
      text += next() < 0.5 ? `aws: ${key}\n` : block;
    }
    const pieces = await run(text, { size: 1 + Math.floor(next() * 30_000) });
    expect(joined(pieces)).toBe(scrub(text).value);
    expect(pieces.map(({ from }) => from)).toEqual([0, ...pieces.slice(0, -1).map(({ to }) => to)]);
    expect(pieces.at(-1)?.to).toBe(measure(text));
  }
});

test("a key at each place around a piece's border is masked", async () => {
  for (let shift = -30; shift <= 30; shift += 3) {
    const before = "x ".repeat((48 * 1024 + shift) / 2);
    const text = `${before}${key} ${lines(2_000)}`;
    expect(joined(await run(text))).not.toContain(key);
    expect(joined(await run(text))).toBe(text.replace(key, "[redacted:aws-access-key]"));
  }
});

test("nothing leaves of a secret that lies across the beginning or the end of what is wanted", async () => {
  const text = `${lines(3_000)}${key} ${lines(3_000)}`;
  const start = measure(text.slice(0, text.indexOf(key)));
  for (const inside of [1, 7, key.length - 1]) {
    const after = joined(await run(text, { skip: start + inside }));
    const before = joined(await run(text, { take: start + inside }));
    for (let from = 0; from + 5 <= key.length; from++) {
      expect(after).not.toContain(key.slice(from, from + 5));
      expect(before).not.toContain(key.slice(from, from + 5));
    }
    expect(text.endsWith(after)).toBe(true);
    expect(text.startsWith(before)).toBe(true);
  }
});

test("a secret longer than what is held back is withheld, not told in part, and what follows is told", async () => {
  const row = "MIIEowIBAAKCAQEAz8Qk3vT1yLw0pXh5\n";
  const text = `${lines(100)}BEGIN KEY\n${row.repeat(20_000)}END KEY\n${lines(100)}`;
  const scrubKeys = (piece: string) => {
    const value = piece.replace(/BEGIN KEY[\s\S]*?(END KEY|$)/g, "[redacted:key]");
    return { value, masked: value === piece ? {} : { key: 1 } };
  };
  const pieces: ScrubbedPiece[] = [];
  for await (const piece of scrubStream(
    inPieces(text, () => 9_001),
    { scrub: scrubKeys, measure },
  ))
    pieces.push(piece);
  expect(joined(pieces)).toBe(`${lines(100)}[redacted:withheld]END KEY\n${lines(100)}`);
  expect(pieces.at(-1)?.to).toBe(measure(text));
});

test("a part is the letters whose first bytes lie in it", async () => {
  const text = "aüb🙂c";
  expect(joined(await run(text, { skip: 1, take: 2 }))).toBe("ü");
  expect(joined(await run(text, { skip: 2, take: 2 }))).toBe("b");
  expect(joined(await run(text, { skip: 4, take: 1 }))).toBe("🙂");
  expect(joined(await run(text, { skip: 5, take: 9 }))).toBe("c");
});

test("memory is bounded whatever comes", async () => {
  let most = 0;
  const seen = (text: string) => {
    most = Math.max(most, text.length);
    return scrub(text);
  };
  let count = 0;
  const source = inPieces("word ".repeat(800_000), () => 100_000);
  for await (const { text } of scrubStream(source, { scrub: seen, measure })) count += text.length;
  expect(count).toBe(4_000_000);
  expect(most).toBeLessThan(400_000);
});
