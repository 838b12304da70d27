// `npm run dev [-- DIR…]`: rebuilds and restarts the server on every change.
import { join } from "node:path";
import { bin, root, run, setUp } from "./setup.mjs";

await setUp();
const folders = process.argv.slice(2);
const served = folders.length > 0 ? folders : [join(root, "examples", "vault")];
const data = join(root, ".portcullis", "dev");
await Promise.race([
  run(bin("typescript", "tsc"), [
    "-b",
    "--watch",
    "--preserveWatchOutput",
    "packages/contracts",
    "packages/client",
    "packages/server",
  ]),
  run("--watch", [join(root, "packages", "server", "dist", "main.js"), "serve", ...served, "--data", data]),
]);
