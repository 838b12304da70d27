// `npm start [-- DIR…]`: sets up, builds and serves the folders, or the example vault when none is named.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { root, run, say, setUp } from "./setup.mjs";

const args = process.argv.slice(2);
await setUp();

const takesValue = new Set(["--port", "--host", "--data", "--config", "--profile", "--public-url"]);
const named = args.some((arg, index) => !arg.startsWith("-") && !takesValue.has(args[index - 1] ?? ""));
const home = join(root, ".portcullis");
mkdirSync(home, { recursive: true, mode: 0o700 });
const folders = [];
if (!named && !process.env.ALLOWED_DIR && !process.env.PORTCULLIS_FOLDERS) {
  const vault = join(home, "vault");
  const code = await run(join(root, "scripts", "make-example-history.mjs"), [join(root, "examples", "vault"), vault]);
  if (code !== 0) process.exit(code);
  folders.push(vault);
  say("Serving the example vault; `npm start -- DIR…` serves your own folders.");
}
const data = args.includes("--data") || process.env.PORTCULLIS_DATA ? [] : ["--data", join(home, "data")];
process.exit(
  await run(join(root, "packages", "server", "dist", "main.js"), ["serve", ...folders, ...data, ...args], {
    cwd: process.env.INIT_CWD ?? root,
  }),
);
