// The doors, held against bodies, frames and peers that are made to break them; beside the MCP SDK's bare transport and bare `ws` in the same run.
import { parseArgs } from "node:util";
import { machine } from "../measure.ts";
import { readCorpus } from "./corpus.ts";
import { type Body, tryBodies } from "./protocol/bodies.ts";
import { type FrameCase, tryFrames } from "./protocol/frames.ts";
import { measureIdle } from "./protocol/idle.ts";
import { type PortcullisTarget, startPortcullis } from "./protocol/target.ts";

const { values } = parseArgs({
  options: { only: { type: "string", default: "bodies,frames,idle" }, sockets: { type: "string", default: "10000" } },
});
const missing = (name: string): readonly string[] => [
  `No corpus: PORTCULLIS_CORPORA names no folder with ${name}.jsonl.gz.`,
];
const bodies = readCorpus<Body>("jsonrpc");
const frames = readCorpus<FrameCase>("websocket");

const parts: Readonly<Record<string, (target: PortcullisTarget) => Promise<readonly string[]>>> = {
  bodies: async (target) => (bodies ? tryBodies(bodies, target) : missing("jsonrpc")),
  frames: async (target) => (frames ? tryFrames(frames, target) : missing("websocket")),
  idle: async (target) => measureIdle(target, Number(values.sockets)),
};

console.log(machine());
let failed = 0;
for (const name of values.only.split(",")) {
  const target = await startPortcullis();
  try {
    for (const line of (await parts[name]?.(target)) ?? [`FAILED: there is no part named ${name}.`]) {
      console.log(line);
      if (line.startsWith("FAILED")) failed += 1;
    }
  } finally {
    await target.close();
  }
}
process.exit(failed === 0 ? 0 : 1);
