import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

/** A corpus of attacks, one JSON object a line, from the folder that PORTCULLIS_CORPORA names; undefined when it is not there. */
export function readCorpus<T>(name: string): readonly T[] | undefined {
  const folder = process.env.PORTCULLIS_CORPORA;
  const file = folder && join(folder, `${name}.jsonl.gz`);
  if (!file || !existsSync(file)) return undefined;
  return gunzipSync(readFileSync(file))
    .toString("utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);
}
