// `npm run demo:exfiltration`: sets up, builds and plays the attack of examples/exfiltration.
import { join } from "node:path";
import { root, run, setUp } from "./setup.mjs";

await setUp();
process.exit(await run(join(root, "examples", "exfiltration", "demo.ts"), [], { cwd: root }));
