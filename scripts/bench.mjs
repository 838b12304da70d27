// `npm run bench [-- NAME… [--OPTION…]]`: every benchmark, or those named, each beside a peer or a floor in the same run.
import { root, run, say, setUp } from "./setup.mjs";

await setUp();
const args = process.argv.slice(2);
const options = args.findIndex((arg) => arg.startsWith("-"));
const wanted = options < 0 ? args : args.slice(0, options);
const all = ["calls", "stages", "decisions", "mcp-sessions", "grep", "events", "upstream"];
for (const name of wanted.length > 0 ? wanted : all) {
  say(`bench/${name}.ts`);
  const code = await run(`bench/${name}.ts`, options < 0 ? [] : args.slice(options), {
    cwd: root,
    env: { NODE_OPTIONS: "--conditions=portcullis-source --disable-warning=ExperimentalWarning" },
  });
  if (code !== 0) process.exit(code);
}
