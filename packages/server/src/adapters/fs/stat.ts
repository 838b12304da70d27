import { toUri } from "@portcullis/contracts";
import { toCanonicalPath } from "../../files/canonical-path.ts";
import { pin } from "../../files/pin.ts";
import type { Tool, Use } from "../adapter.ts";
import { StatInput, StatOutput } from "./schemas.ts";
import type { FileSource } from "./source.ts";

/** `fs.stat`: what a path is, how large and how old. */
export const createStat = (source: FileSource): Tool<StatInput, StatOutput> => ({
  name: "fs.stat",
  title: "Look at a file",
  summary: "Tells whether a path is a file or a folder, its size and when it was last changed.",
  safety: "Looks only at what policy allows; opens nothing.",
  batch: "one fs.list tells the size and time of everything in a folder",
  effect: "read",
  labels: {},
  input: StatInput,
  output: StatOutput,
  touches: ({ path }) => [{ kind: "path", path: toCanonicalPath(path, source.place) }],
  run: (input, use) => stat(source, input, use),
});

async function stat(source: FileSource, { path: asked }: StatInput, { permit }: Use): Promise<StatOutput> {
  const path = toCanonicalPath(asked, source.place);
  const pinned = await pin({
    path,
    wanted: "either",
    roots: source.roots,
    hardlinks: permit.hardlinks,
    allows: (real) => permit.allows({ kind: "path", path: real }),
  });
  pinned.close();
  const { stat: found } = pinned;
  return {
    path,
    uri: toUri({ kind: "path", path }),
    type: found.isDirectory() ? "folder" : "file",
    ...(found.isFile() && { size: found.size }),
    mtime: found.mtime.toISOString(),
  };
}
