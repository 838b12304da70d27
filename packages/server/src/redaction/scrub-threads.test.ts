import { afterAll, describe, expect, test } from "vitest";
import { createRedactor } from "./redactor.ts";
import { Withheld } from "./scrub-threads.ts";

const secret = "harbour-light-nine";
const redactor = createRedactor({ secrets: [{ name: "owner", value: secret }] });
afterAll(() => redactor.close());
const filler = "The tide came in over the flats. ".repeat(20_000);

describe("a large answer", () => {
  test("is scrubbed as a small one is", async () => {
    const value = { text: `${filler}${secret} ${filler}`, clean: filler };
    const { value: scrubbed, masked } = await redactor.scrubApart(value);
    expect(scrubbed).toEqual({ text: `${filler}[redacted:owner] ${filler}`, clean: filler });
    expect(masked).toEqual({ owner: 1 });
  });

  test("that holds nothing comes back as the very same value", async () => {
    const value = { text: filler };
    expect((await redactor.scrubApart(value)).value).toBe(value);
  });

  test("lets the loop run while it is searched, and is withheld where it costs too much", async () => {
    const text = "password=Xq9w7ePz2LmVr4 ".repeat(60_000);
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const { value, masked } = await redactor.scrubApart({ text });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(3);
    expect(value).toEqual({ text: "[redacted:withheld]" });
    expect(masked.withheld).toBe(1);
  });

  test("cannot pass when too many wait, nor when the threads have ended", async () => {
    const own = createRedactor();
    const asked = Array.from({ length: 90 }, () => own.scrubApart({ text: filler }));
    const ends = await Promise.allSettled(asked);
    expect(ends.filter(({ status }) => status === "rejected").length).toBeGreaterThan(0);
    expect(ends.filter(({ status }) => status === "fulfilled").length).toBeGreaterThan(60);
    await own.close();
    await expect(own.scrubApart({ text: filler })).rejects.toThrow(Withheld);
  });
});
