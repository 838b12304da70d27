import type { Stats } from "node:fs";
import { CallError } from "@portcullis/contracts";
import { pinByDescriptor } from "./descriptor-pin.ts";
import type { Pinned, PinRequest } from "./pinned.ts";
import { pinByRealPath } from "./real-path-pin.ts";
import { refusePath } from "./refusals.ts";

/**
 * Holds the file or folder that a path leads to, after judging where it really lies.
 *
 * Inside a served folder, links are followed as long as they end in a served folder at a path that policy allows, on the mount that
 * the folder itself lies on. Outside every served folder a policy's pattern alone is the scope: there no link is followed, and a folder
 * mounted from elsewhere or a pseudo file system is refused. Pipes, sockets and devices are never opened.
 *
 * Throws `NOT_FOUND` only for what is missing at a place that the caller may know of; for all that a link leads to elsewhere there is
 * one refusal, whether it exists or not.
 */
export async function pin(request: PinRequest): Promise<Pinned> {
  const pinned = await (process.platform === "linux" ? pinByDescriptor(request) : pinByRealPath(request));
  try {
    checkKind(request, pinned.stat);
    return pinned;
  } catch (error) {
    pinned.close();
    throw error;
  }
}

/** Throws unless a thing is of the kind that is wanted, with no other name unless that is allowed. */
export function checkKind(
  { path, wanted, hardlinks }: Pick<PinRequest, "path" | "wanted" | "hardlinks">,
  stat: Stats,
): void {
  if (stat.isDirectory()) {
    if (wanted !== "file") return;
    throw wrongKind(path, "folder", "List it with fs.list.");
  }
  if (!stat.isFile()) {
    const [reason, what] = special(stat);
    throw refusePath({
      reason,
      message: `${path} is ${what}, which is never opened: reading it could hang or act on the system.`,
      next: "Choose a regular file.",
      path,
    });
  }
  if (wanted === "folder") throw wrongKind(path, "file", "Read it with fs.readFile.");
  if (stat.nlink > 1 && !hardlinks) {
    throw refusePath({
      reason: "hard_link",
      message: `${path} has more than one name (hard links), and another of them may lie where no policy allows it.`,
      next: "Tell the user: a copy of the file can be read, or the scope that allows it can say «hardlinks: allow».",
      path,
    });
  }
}

const wrongKind = (path: string, reason: "file" | "folder", next: string): CallError =>
  new CallError("VALIDATION_ERROR", `${path} is a ${reason}.`, { details: { path, reason, next } });

function special(stat: Stats): readonly [reason: string, what: string] {
  if (stat.isFIFO()) return ["fifo", "a named pipe"];
  if (stat.isSocket()) return ["socket", "a socket"];
  return ["device", "a device"];
}
