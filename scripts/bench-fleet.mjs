// `npm run bench:fleet [-- speed | faults]`: what a call costs beside the embedded server, and what becomes of calls while engines and replicas are killed.
import { root, run, say, setUp } from "./setup.mjs";

await setUp();
const [wanted, ...rest] = process.argv.slice(2);
for (const name of wanted === undefined ? ["speed", "faults"] : [wanted]) {
  say(`bench/fleet/${name}.ts`);
  const code = await run(`bench/fleet/${name}.ts`, rest, {
    cwd: root,
    env: { NODE_OPTIONS: "--conditions=portcullis-source --disable-warning=ExperimentalWarning" },
  });
  if (code !== 0) process.exit(code);
}
