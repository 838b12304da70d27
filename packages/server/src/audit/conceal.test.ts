import { expect, test } from "vitest";
import { createConceal } from "./conceal.ts";
import { createDigest } from "./keys.ts";

const digest = createDigest({ hmac: [Buffer.alloc(32, 7).toString("base64")] });

test("readable arguments keep what tells what was asked, and give contents by their HMAC", () => {
  const conceal = createConceal(digest, "readable");
  const content = "a diary\nof two lines";
  expect(conceal({ path: "~/a.md", content, list: ["x".repeat(201)], deep: true, n: 3 }, "call")).toEqual({
    path: "~/a.md",
    content: digest(content),
    list: [digest("x".repeat(201))],
    deep: true,
    n: 3,
  });
  expect(conceal({ text: content }, "method")).toEqual({ text: content });
  expect(conceal(undefined, "call")).toBeUndefined();
});

test("hmac gives every text by its HMAC, and equal ones alike", () => {
  const conceal = createConceal(digest, "hmac");
  expect(conceal({ path: "~/a.md", n: 3 }, "call")).toEqual({ path: digest("~/a.md"), n: 3 });
  expect(conceal({ text: "a note" }, "method")).toEqual({ text: digest("a note") });
  expect(digest("~/a.md")).toMatch(/^hmac:[0-9a-f]{8}:[\w-]{43}$/);
});

test("arguments of any depth end the walk", () => {
  let deep: unknown = "end";
  for (let level = 0; level < 5_000; level++) deep = [deep];
  expect(JSON.stringify(createConceal(digest, "readable")(deep, "call"))).toContain("…");
});
