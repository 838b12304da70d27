import { CallError, toUri } from "@portcullis/contracts";

interface Refusal {
  readonly reason: string;
  readonly message: string;
  readonly next: string;
  readonly path?: string;
}

/** A refusal that no policy rule made: the scope is `null` and no scope would open it. */
export const refusePath = ({ reason, message, next, path }: Refusal): CallError =>
  new CallError("PERMISSION_DENIED", message, {
    details: {
      scope: null,
      reason,
      resource: path === undefined ? null : toUri({ kind: "path", path }),
      smallestScope: null,
      ...(path !== undefined && { path }),
      next,
    },
  });

/**
 * One refusal for all that a link can lead to: outside, denied or not there. Telling them apart would tell what exists where the caller
 * may not look.
 */
export const refuseTarget = (path: string): CallError =>
  refusePath({
    reason: "real_path",
    message: `${path} leads to a place that is not open to this caller.`,
    next: "Use the path of the file itself instead of a link to it.",
    path,
  });

export const refuseMount = (path: string): CallError =>
  refusePath({
    reason: "mount",
    message: `${path} lies on another mount than the folder it is reached through.`,
    next: "Tell the user: what is mounted there has to be served as a folder of its own.",
    path,
  });

export const refuseSpelling = (path: string): CallError =>
  refusePath({
    reason: "spelling",
    message: `${path} is not spelled as on this disk, where upper and lower case do not count.`,
    next: "List the folder and use the path as it is listed.",
    path,
  });

/** Two names that a policy cannot tell apart. */
export const refuseAmbiguous = (path: string): CallError =>
  refusePath({
    reason: "ambiguous",
    message: `More than one file is called ${path} when letters with accents are compared.`,
    next: "Tell the user: one of the files has to be renamed.",
    path,
  });

/** The path is one that policy allows and lies where it says, so its absence may be told. */
export const notFound = (path: string): CallError =>
  new CallError("NOT_FOUND", `There is nothing at ${path}.`, {
    details: { path, reason: "missing", next: "List the folder to see what is there." },
  });

export const folderGone = (path: string, folder: { readonly name: string }, cause?: unknown): CallError =>
  new CallError("UPSTREAM", `The served folder ${folder.name} is not where it was.`, {
    cause,
    details: {
      path,
      reason: "folder_gone",
      next: "Tell the user: the folder was moved, deleted or unmounted; it is served again as soon as it is back.",
    },
  });

/** A fault of the file system itself; its text stays in `cause`. */
export const unreadable = (path: string, cause: unknown): CallError => {
  const refused = isErrno(cause, "EACCES", "EPERM");
  return new CallError(
    "UPSTREAM",
    refused
      ? `The operating system does not let the server's user read ${path}.`
      : `Reading ${path} failed${isErrno(cause) ? ` (${cause.code})` : ""}.`,
    {
      cause,
      details: {
        path,
        reason: refused ? "system_permission" : "io",
        next: refused ? "Tell the user: the file's owner or mode has to change." : "Try once more, then tell the user.",
      },
    },
  );
};

/** Writing failed for a reason of the file system; what was there before is still there. */
export const unwritable = (path: string, cause: unknown): CallError => {
  const full = isErrno(cause, "ENOSPC", "EDQUOT");
  const refused = isErrno(cause, "EACCES", "EPERM", "EROFS");
  return new CallError(
    "UPSTREAM",
    full
      ? `There is no room on the disk for ${path}.`
      : refused
        ? `The operating system does not let the server's user write ${path}.`
        : `Writing ${path} failed${isErrno(cause) ? ` (${cause.code})` : ""}.`,
    {
      cause,
      details: {
        path,
        reason: full ? "full" : refused ? "system_permission" : "io",
        next: full
          ? "Tell the user: the disk or the quota is full."
          : refused
            ? "Tell the user: the folder's owner or mode has to change."
            : "Try once more, then tell the user.",
      },
    },
  );
};

export const isErrno = (error: unknown, ...codes: string[]): error is NodeJS.ErrnoException & { code: string } =>
  error instanceof Error && "code" in error && typeof error.code === "string"
    ? codes.length === 0 || codes.includes(error.code)
    : false;
