// What the audit promises, held against real faults: kill -9, the order of disk syncs and acknowledgements, disks that fail, tampering; and its speed.
// `--kills 200` is the full run; without strace or the right to mount, the parts that need them say so.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { machine } from "../measure.ts";
import { measureFaults } from "./audit/faults.ts";
import { killWriters } from "./audit/kill.ts";
import { measureOrder } from "./audit/order.ts";
import { measureSpeed } from "./audit/speed.ts";
import { measureTampering } from "./audit/tamper.ts";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "20" },
    only: { type: "string", default: "kill,order,faults,tamper,speed" },
  },
});
const base = mkdtempSync(join(tmpdir(), "portcullis-audit-bench-"));
const parts: Readonly<Record<string, () => Promise<readonly string[]>>> = {
  kill: () => killWriters(join(base, "kill"), Number(values.kills)),
  order: () => measureOrder(join(base, "order")),
  faults: () => measureFaults(join(base, "faults")),
  tamper: () => measureTampering(join(base, "tamper")),
  speed: () => measureSpeed(join(base, "speed")),
};

console.log(machine());
let failed = 0;
try {
  for (const name of values.only.split(",")) {
    for (const line of (await parts[name]?.()) ?? [`FAILED: there is no part named ${name}.`]) {
      console.log(line);
      if (line.startsWith("FAILED")) failed += 1;
    }
  }
} finally {
  rmSync(base, { recursive: true, force: true });
}
process.exitCode = failed > 0 ? 1 : 0;
