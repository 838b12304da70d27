import { dirname } from "node:path/posix";
import { CallError } from "@portcullis/contracts";
import type { Engine } from "./engine.ts";
import type { PinRequest } from "./pinned.ts";
import { folderGone, isErrno, notFound, refuseMount, refuseTarget, unreadable } from "./refusals.ts";

interface Failure {
  /** The path as it was opened. */
  readonly disk: string;
  readonly error: unknown;
  readonly engine: Engine;
  /** The real path of a folder that opens and lies in scope, `undefined` when it does not open; throws when it lies elsewhere. */
  reach(disk: string, path: string): Promise<string | undefined>;
}

/**
 * What to tell of a path that would not open. "Missing" may be told only where the caller could have looked: the deepest folder that
 * does open must itself lie in scope, with no dangling link on the way. Otherwise a link to elsewhere would be an oracle of what is there.
 */
export async function explainAbsence(request: PinRequest, failure: Failure): Promise<CallError> {
  const { path, roots } = request;
  const { disk, error, engine, reach } = failure;
  if (!isErrno(error, "ENOENT", "ENOTDIR", "ELOOP", "EACCES", "EPERM", "ENAMETOOLONG")) return unreadable(path, error);
  const folder = roots.find(path);
  try {
    for (let at = disk; ; at = dirname(at)) {
      const rest = (at === "/" ? disk : disk.slice(at.length)).normalize("NFC");
      const real = await reach(at, path.slice(0, path.length - rest.length) || "/");
      if (real !== undefined) {
        const meant = `${real === "/" ? "" : real}${rest}`;
        if (meant !== path && !request.allows(meant)) return refuseTarget(path);
        return isErrno(error, "EACCES", "EPERM") ? unreadable(path, error) : notFound(path);
      }
      if (await isLink(at, engine)) return refuseTarget(path);
      if (folder && at === folder.path) return folderGone(path, folder, error);
      if (dirname(at) === at) return unreadable(path, error);
    }
  } catch (refusal) {
    const mounted = refusal instanceof CallError && refusal.details?.reason === "mount";
    return mounted ? refuseMount(path) : refuseTarget(path);
  }
}

async function isLink(path: string, engine: Engine): Promise<boolean> {
  try {
    return (await engine.lstat(path)).isSymbolicLink();
  } catch {
    return false;
  }
}
