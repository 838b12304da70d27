// `npm run bench`: every benchmark, each beside a peer or a floor in the same run.
import { root, run, say, setUp } from "./setup.mjs";

await setUp();
const wanted = process.argv.slice(2);
const all = ["calls", "stages", "decisions", "mcp-sessions", "grep", "events", "upstream"];
for (const name of wanted.length > 0 ? wanted : all) {
  say(`bench/${name}.ts`);
  const code = await run(`bench/${name}.ts`, [], {
    cwd: root,
    env: { NODE_OPTIONS: "--conditions=portcullis-source --disable-warning=ExperimentalWarning" },
  });
  if (code !== 0) process.exit(code);
}
