// `npm test [-- FILE…]`: sets up and passes all tests, or those of the files named.
import { bin, root, run, say, setUp } from "./setup.mjs";

const files = process.argv.slice(2);
await setUp();
if (files.length === 0) {
  const checked = await run("scripts/check.mjs", []);
  if (checked !== 0) process.exit(checked);
  const clients = await run("scripts/install-test-clients.mjs", []);
  if (clients !== 0) process.exit(clients);
  say("Running all tests; the real clients among them take a while.");
}
process.exit(
  await run(bin("vitest"), ["run", ...files], {
    cwd: root,
    env: files.length === 0 ? { PORTCULLIS_WHOLE_SUITE: "1" } : {},
  }),
);
