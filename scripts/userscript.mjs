// Builds the script for chatgpt.com, when it has changed, and puts it where the server serves it from.
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bin, root, run } from "./setup.mjs";

const folder = join(root, "packages", "userscript");
const built = join(folder, "dist", "portcullis.user.js");
const served = join(root, "packages", "server", "dist", "userscript", "portcullis.user.js");
const stamp = join(root, "node_modules", ".cache", "userscript-built");

function stateOf() {
  const hash = createHash("sha256");
  const sources = readdirSync(join(folder, "src"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join("src", file));
  for (const file of [...sources, "vite.config.ts", "package.json"].sort())
    hash.update(`${file}\0`).update(readFileSync(join(folder, file)));
  return hash.digest("hex");
}

/** Answers the exit code. */
export async function buildUserscript() {
  const state = stateOf();
  const isBuilt = existsSync(built) && existsSync(stamp) && readFileSync(stamp, "utf8") === state;
  if (!isBuilt) {
    const code = await run(bin("vite"), ["build", folder, "--config", join(folder, "vite.config.ts")]);
    if (code !== 0) return code;
  }
  mkdirSync(join(served, ".."), { recursive: true });
  cpSync(built, served);
  mkdirSync(join(stamp, ".."), { recursive: true });
  writeFileSync(stamp, state);
  return 0;
}
