import { closeSync, constants, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Head } from "../store.ts";

/**
 * The last acknowledged record, kept in a small file beside the log: a log whose end was cut, or that was put back from an older copy, is
 * behind it. Whoever can write this file as well as the log can hide that; against them only a witness on another machine helps.
 */
export interface KeptHead extends Head {
  /** True when records up to here may have gone with the machine's power: it has restarted since, and commits were not synced to the disk. */
  readonly perishable: boolean;
}

const fileName = "audit.head";

/** The kept head of a data folder; undefined when there is none that can be read. Read it before the log, which is never behind it. */
export function readAuditHead(folder: string): KeptHead | undefined {
  let text: string;
  try {
    text = readFileSync(join(folder, fileName), "utf8");
  } catch {
    return undefined;
  }
  const found = /^ *(\d{1,15}) ([0-9a-f]{64}) ([\w-]+) *\n/.exec(text);
  const [, seq, hash, written] = found ?? [];
  if (seq === undefined || hash === undefined) return undefined;
  return { seq: Number(seq), hash, perishable: written !== "synced" && written !== machineBoot() };
}

export interface HeadFile {
  write(head: Head): void;
  close(): void;
}

export function openHeadFile(folder: string, durability: "process" | "power"): HeadFile {
  const file = openSync(join(folder, fileName), constants.O_WRONLY | constants.O_CREAT, 0o600);
  let open = true;
  const written = (durability === "power" ? "synced" : machineBoot()).padEnd(36);
  return {
    // One write of one length in place: it replaces the old line whole, however the process ends.
    write: ({ seq, hash }) => void writeSync(file, `${String(seq).padStart(16)} ${hash} ${written}\n`, 0),
    close() {
      if (open) closeSync(file);
      open = false;
    },
  };
}

/** Names the machine's present run, where the system tells it. */
function machineBoot(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "unknown";
  }
}
