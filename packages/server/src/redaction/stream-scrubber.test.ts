import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRedactor } from "./redactor.ts";
import { createStreamScrubber } from "./stream-scrubber.ts";

// Look-alikes are put together here, so that no scanner takes this file for a leak.
const tail = "w8Zk3TqY5nB1xR7mV4cJ9sL2pD6fH0gA8uE3";
const github = `${"gh"}p_${tail}`;
const dashes = "-".repeat(5);
const pem = `${dashes}BEGIN RSA PRIVATE KEY${dashes}\n${`${tail}${tail.slice(0, 28)}\n`.repeat(60)}${dashes}END RSA PRIVATE KEY${dashes}`;
const redactor = createRedactor({ secrets: [{ name: "owner", value: "grüne Boote im Hafen" }] });

const pieces = fc.constantFrom(
  "The tide came in over the flats.\n".repeat(40),
  "Ünïcödé wörds, and a smile: 🙂 \n".repeat(30),
  `key ${github} here `,
  `password: "kQ7!vx-Zp2"\n`,
  `${pem}\n`,
  "grüne Boote im Hafen\n",
  Buffer.from(`token ${github} in base64`).toString("base64").concat("\n"),
  "\n\n  ",
);
const texts = fc.array(pieces, { minLength: 1, maxLength: 24 }).map((all) => all.join(""));
const sizes = fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 12 });

function through(chunks: Iterable<string | Uint8Array>): string {
  const stream = createStreamScrubber(redactor);
  let out = "";
  for (const chunk of chunks) out += stream.write(chunk).value;
  return out + stream.end().value;
}

function* cut<T extends string | Uint8Array>(whole: T, by: readonly number[]): Generator<T> {
  for (let at = 0, turn = 0; at < whole.length; turn++) {
    const size = by[turn % by.length] ?? 1;
    yield whole.slice(at, at + size) as T;
    at += size;
  }
}

describe("a scrubbed stream", () => {
  test("is the whole text scrubbed, however it is cut into chunks", () => {
    fc.assert(
      fc.property(texts, sizes, (text, by) => {
        const whole = redactor.scrubText(text).value;
        expect(through(cut(text, by))).toBe(whole);
        expect(through(cut(new TextEncoder().encode(text), by))).toBe(whole);
      }),
      { numRuns: 60, seed: 11 },
    );
  }, 60_000);

  test("lets no part of a secret out that is cut at each of its characters", () => {
    const filler = "and on it went. ".repeat(600);
    for (let at = 1; at < github.length; at++) {
      const out = through([`${filler}${github.slice(0, at)}`, `${github.slice(at)} ${filler}`]);
      expect(out).not.toContain(tail.slice(0, 8));
      expect(out).not.toContain(tail.slice(-8));
    }
  });

  test("holds back no more than it says, and masks a secret without an end", () => {
    const stream = createStreamScrubber(redactor);
    let given = 0;
    let out = "";
    const endless = `${dashes}BEGIN RSA PRIVATE KEY${dashes}\n${`${tail}\n`.repeat(10_000)}`;
    for (let at = 0; at < endless.length; at += 1_000) {
      const chunk = endless.slice(at, at + 1_000);
      given += chunk.length;
      out += stream.write(chunk).value;
    }
    expect(given).toBe(endless.length);
    expect(out.length).toBeGreaterThan(0);
    out += stream.end().value;
    expect(out).not.toContain(tail.slice(0, 12));
  });
});
