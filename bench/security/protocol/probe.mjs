// Loaded into a server that is measured (node --import): tells, when asked by SIGUSR2, what its prototypes have gained, after a full collection.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");
process.on("SIGUSR2", () => {
  collect();
  const gained = [Object, Array, Function, String].flatMap(({ prototype }) => Object.keys(prototype));
  const { rss, heapUsed, external } = process.memoryUsage();
  process.stderr.write(`${JSON.stringify({ probe: true, gained, rss, used: heapUsed + external })}\n`);
});
