// `npm run check`: format, lint, types and unused code, without running anything.
import { bin, install, root, run, say } from "./setup.mjs";

install(root, "packages");
const steps = [
  ["format and lint", bin("@biomejs/biome", "biome"), ["check", "--error-on-warnings", "."]],
  [
    "types",
    bin("typescript", "tsc"),
    ["-b", "packages/contracts", "packages/client", "packages/server", "packages/userscript", "packages/console"],
  ],
  ["types of tests", bin("typescript", "tsc"), ["-p", "test"]],
  ["unused code", bin("knip"), ["--no-progress"]],
];
for (const [what, program, args] of steps) {
  say(`Checking ${what} …`);
  const code = await run(program, args);
  if (code !== 0) process.exit(code);
}
