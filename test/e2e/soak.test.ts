import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect } from "vitest";
import { verifiesOnce } from "../support/verifies.ts";

const soak = join(import.meta.dirname, "..", "..", "bench", "soak.ts");

describe("a long run, in short", () => {
  verifiesOnce("L3.soak", async () => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--conditions=portcullis-source", "--disable-warning=ExperimentalWarning", soak, "--calls", "2000"],
      { timeout: 110_000 },
    );
    expect(stdout).toMatch(/^attacks +\d{2,}$/m);
    expect(stdout).toMatch(/^audit +verifies, [\d,]{5,} records$/m);
    expect(stdout).toContain("Nothing got out, nothing was refused that should not be.");
  });
});
