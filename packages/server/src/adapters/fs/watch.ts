import { type Resource, toUri } from "@portcullis/contracts";
import { toCanonicalPath } from "../../files/canonical-path.ts";
import { createNameGlob } from "../../files/name-glob.ts";
import { pin } from "../../files/pin.ts";
import type { Follow, Happening, Topic } from "../adapter.ts";
import { WatchParams } from "./schemas.ts";
import type { FileSource } from "./source.ts";
import type { FileChange } from "./watch-messages.ts";
import type { Watcher } from "./watcher.ts";

/** What is told of a file. Paths are real ones: a folder that was reached through a link tells where its files lie. */
interface Told extends Readonly<Record<string, unknown>> {
  readonly kind: FileChange["kind"];
  readonly path: string;
  readonly uri: string;
  readonly from?: string;
}

const toFolder = (path: string): Resource => ({ kind: "path", path, collection: true });
const toFile = (path: string): Resource => ({ kind: "path", path });
const toldOf = (happening: Happening): Told => happening.data as Told;

/** `fs.watch`: the files of a folder that come, change, go and get other names, each judged by policy as it is told. */
export const createWatch = (source: FileSource, watcher: Watcher): Topic<WatchParams> => ({
  name: "fs.watch",
  title: "Watch a folder",
  summary: "Tells which files of a folder come, change, go or get another name.",
  safety: "Tells only of files that policy allows; tells no content; follows no link.",
  labels: {},
  params: WatchParams,
  touches: ({ dir }) => [toFolder(toCanonicalPath(dir, source.place))],
  open: (params, follow) => open({ source, watcher }, params, follow),
  show(happening, allows) {
    const { kind, path, from } = toldOf(happening);
    const there = allows(toFile(path));
    if (kind !== "renamed" || from === undefined) return there ? happening : undefined;
    const before = allows(toFile(from));
    if (there && before) return happening;
    // Who may see but one of the two names sees a file come or go.
    if (there) return toHappening({ kind: "added", path });
    return before ? toHappening({ kind: "removed", path: from }) : undefined;
  },
  resources(happening) {
    const { path, from } = toldOf(happening);
    return [toFile(path), ...(from === undefined ? [] : [toFile(from)])];
  },
  merge(before, after) {
    const [was, is] = [toldOf(before).kind, toldOf(after).kind];
    if (was === "added" && is === "removed") return undefined;
    if (was === "added" && is === "changed") return before;
    return was === "removed" && is === "added" ? toHappening({ kind: "changed", path: toldOf(after).path }) : after;
  },
});

function toHappening({ kind, path, from }: FileChange): Happening {
  const data: Told = { kind, path, uri: toUri(toFile(path)), ...(from !== undefined && { from }) };
  return { event: "file.changed", data, ...(kind !== "renamed" && { key: path }) };
}

async function open(
  { source, watcher }: { readonly source: FileSource; readonly watcher: Watcher },
  { dir, glob }: WatchParams,
  follow: Follow,
): Promise<void> {
  const pinned = await pin({
    path: toCanonicalPath(dir, source.place),
    wanted: "folder",
    roots: source.roots,
    allows: (real) => follow.permit().allows(toFolder(real)),
  });
  pinned.close();
  const root = pinned.real;
  const inside = (path: string): string => `${root === "/" ? "" : root}/${path.normalize("NFC")}`;
  const matches = glob === undefined ? () => true : createNameGlob(glob);
  // A name that is not text in UTF-8 is one that no rule could have meant.
  const wanted = (path: string | undefined): path is string =>
    path !== undefined && !path.includes("\ufffd") && matches(path.normalize("NFC"));
  const leave = await watcher.follow(root, {
    changed(changes) {
      for (const { kind, path, from } of changes) {
        const there = wanted(path);
        if (!wanted(from)) {
          if (there) follow.tell(toHappening({ kind: from === undefined ? kind : "added", path: inside(path) }));
        } else if (there) follow.tell(toHappening({ kind, path: inside(path), from: inside(from) }));
        else follow.tell(toHappening({ kind: "removed", path: inside(from) }));
      }
    },
    lost: follow.lost,
    fail: follow.fail,
  });
  if (follow.signal.aborted) leave();
  else follow.signal.addEventListener("abort", leave, { once: true });
}
