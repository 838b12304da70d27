import { isUtf8 } from "node:buffer";
import { CallError } from "@portcullis/contracts";
import { toPolicyPath } from "../../search/document-id.ts";
import type { Use } from "../adapter.ts";
import type { FileText } from "./byte-span.ts";
import type { Place } from "./find-file.ts";
import type { ReadFile } from "./vault-adapter.ts";

export type Opened = FileText & { readonly mtimeMs: number };

/** Reads a file's text; "hidden" when it is gone, or when policy denies what the path turns out to lead to. */
export async function readText(
  read: ReadFile,
  { sight, file }: Place,
  { permit, signal }: Pick<Use, "permit" | "signal">,
): Promise<Opened | "hidden"> {
  try {
    const { bytes, mtimeMs } = await read(toPolicyPath({ source: sight.folder.path, path: file.path }), permit, signal);
    return { bytes, mtimeMs, text: bytes.toString("utf8"), exact: isUtf8(bytes) };
  } catch (error) {
    if (error instanceof CallError && (error.code === "NOT_FOUND" || error.code === "PERMISSION_DENIED"))
      return "hidden";
    throw error;
  }
}
