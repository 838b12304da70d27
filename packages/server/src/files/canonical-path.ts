import { CallError } from "@portcullis/contracts";
import { refusePath } from "./refusals.ts";

/** A folder given to the server, under the name that callers may begin a path with. */
export interface Folder {
  readonly name: string;
  /** Absolute real path, without a slash at the end. */
  readonly path: string;
}

/** What a path may be relative to. */
export interface Place {
  readonly folders: readonly Folder[];
  /** The home folder that a leading `~/` stands for: an absolute real path. */
  readonly home: string;
  /** Given only where the system is not the one that runs. */
  readonly platform?: NodeJS.Platform;
}

const longestPath = 4096;
const longestName = 255;
const drive = /^[A-Za-z]:[\\/]/;
const unc = /^\\\\/;
const windowsDevice = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])( *\..*)?$/i;

/**
 * The absolute, NFC-normalised path that a caller's text means; the file system is not touched, so nothing is told of what exists.
 *
 * - `/…` is absolute and `~/…` lies in the home folder. Anything else lies in a served folder: `NAME/…` in the one of that name, else
 *   in the only one served.
 * - `.` and doubled slashes are dropped, `..` takes back one name. Climbing above the start (the served folder, home, `/`) is refused.
 * - Nothing is decoded, trimmed or expanded: `%2e%2e`, `$HOME` and a trailing blank are letters of a name.
 *
 * Throws `VALIDATION_ERROR` for text that names no path, `PERMISSION_DENIED` for a climb.
 */
export function toCanonicalPath(input: string, place: Place): string {
  return resolvePath(input, place).path;
}

/** The canonical paths of the names that `..` takes back. To the operating system each is a way: behind a link it leads elsewhere. */
export const detoursOf = (input: string, place: Place): readonly string[] => resolvePath(input, place).detours;

function resolvePath(input: string, place: Place): { readonly path: string; readonly detours: readonly string[] } {
  checkText(input);
  const { start, names } = split(input, place);
  const kept: string[] = [];
  const detours: string[] = [];
  for (const name of names) {
    if (name === "" || name === ".") continue;
    if (name === "..") detours.push(toText(start, kept));
    if (name !== "..") kept.push(checkName(name, place.platform ?? process.platform));
    else if (kept.pop() === undefined) {
      throw refusePath({
        reason: "outside",
        message: "The path climbs above the folder that it starts in.",
        next: "Give the path without «..» at its start, or as an absolute path.",
      });
    }
  }
  const path = toText(start, kept);
  if (Buffer.byteLength(path) > longestPath) throw malformed("too_long", `A path has at most ${longestPath} bytes.`);
  return { path, detours };
}

function toText(start: string, names: readonly string[]): string {
  const path = `${start === "/" ? "" : start}/${names.join("/")}`.normalize("NFC");
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}

function checkText(input: string): void {
  if (input === "") throw malformed("empty", "The path is empty. A single dot means the served folder itself.");
  if (Buffer.byteLength(input) > longestPath) throw malformed("too_long", `A path has at most ${longestPath} bytes.`);
  if (input.includes("\0")) throw malformed("nul", "A path cannot hold a NUL character.");
  if (!input.isWellFormed()) throw malformed("surrogate", "The path holds half of a surrogate pair: it is not text.");
  if (drive.test(input) || unc.test(input)) {
    throw malformed("windows_path", "Drive letters and network shares are not served: give a path with slashes.");
  }
}

function split(input: string, { folders, home }: Place): { start: string; names: readonly string[] } {
  const names = input.split("/");
  const [first = "", ...rest] = names;
  if (input.startsWith("/")) return { start: "/", names };
  if (first === "~") return { start: home, names: rest };
  const named = folders.find(({ name }) => name.normalize("NFC") === first.normalize("NFC"));
  if (named) return { start: named.path, names: rest };
  const [only, second] = folders;
  if (only && !second) return { start: only.path, names };
  throw malformed(
    "ambiguous_start",
    only
      ? "Several folders are served: begin the path with the name of one, with ~/ or with /."
      : "No folder is served: begin the path with ~/ or with /.",
  );
}

function checkName(name: string, platform: NodeJS.Platform): string {
  if (Buffer.byteLength(name) > longestName) throw malformed("too_long", `A name has at most ${longestName} bytes.`);
  // There, a colon opens a stream of a file, a trailing dot or blank is dropped, and a device has a name in every folder.
  if (platform === "win32" && (/[:\\]|[. ]$/.test(name) || windowsDevice.test(name))) {
    throw malformed("windows_name", "The path holds a name that this system would read as something else.");
  }
  return name;
}

const malformed = (reason: string, message: string): CallError =>
  new CallError("VALIDATION_ERROR", message, { details: { reason, argument: "path" } });
