import { expect, test } from "vitest";
import { createRedactor } from "./redactor.ts";

const value = 'correct horse/"battery"+stäple';
const redactor = createRedactor({
  secrets: [
    { name: "Wifi Password", value },
    { name: "pin", value: "4711" },
  ],
});
const scrub = (text: string): string => redactor.scrubText(text).value;
const mask = "[redacted:wifi-password]";
const bytes = Buffer.from(value);

test.each([
  ["as it is", `x ${value} y`, `x ${mask} y`],
  ["in JSON", JSON.stringify({ a: value }), `{"a":"${mask}"}`],
  ["in a URL", `?q=${encodeURIComponent(value)}&r`, `?q=${mask}&r`],
  ["in hex", `x ${bytes.toString("hex")} y`, `x ${mask} y`],
  ["in HEX", `x ${bytes.toString("hex").toUpperCase()} y`, `x ${mask} y`],
  ["split by invisible characters", `x ${[...value].join("\u200b")} y`, `x ${mask} y`],
])("a known secret is found %s", (_, text, left) => {
  expect(scrub(text)).toBe(left);
});

test.each([0, 1, 2, 3, 4, 5])("a known secret is found in base64 behind %i other bytes", (shift) => {
  const around = Buffer.concat([Buffer.alloc(shift, 200), bytes, Buffer.alloc(7, 201)]);
  expect(scrub(`x ${around.toString("base64")} y`)).toBe(`x ${mask} y`);
  expect(scrub(`x ${around.toString("base64url")} y`)).toBe(`x ${mask} y`);
});

test("a known secret is found across items and in keys", () => {
  expect(redactor.scrub(["a correct horse/", '"battery"+stäple b']).value).toEqual([`a ${mask}`, `${mask} b`]);
  expect(redactor.scrub({ [value]: 1 }).value).toEqual({ [mask]: 1 });
});

test("a short one counts only as a whole word", () => {
  expect(scrub("pin 4711, not 14711 or 47110")).toBe("pin [redacted:pin], not 14711 or 47110");
});
