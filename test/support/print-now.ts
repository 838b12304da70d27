import { writeSync } from "node:fs";
import { isErrno } from "../../packages/server/src/files/refusals.ts";

/**
 * Writes a line to standard output before anything else happens, so that who kills this process right after has it: what was printed
 * was acknowledged. A full pipe is waited for (the pipes of a parent in Node do not block: they answer EAGAIN).
 */
export function printNow(line: string, descriptor = 1): void {
  let left = Buffer.from(`${line}\n`);
  while (left.length > 0) {
    try {
      left = left.subarray(writeSync(descriptor, left));
    } catch (error) {
      if (!isErrno(error, "EAGAIN")) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
    }
  }
}
