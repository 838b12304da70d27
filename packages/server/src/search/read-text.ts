import type { ReadDocument } from "../ingest/document.ts";
import { kindOf } from "./text-kind.ts";

/** A text file as the one document that it is. */
export const readText = (path: string): ReadDocument => ({ part: "", kind: kindOf(path), sections: [] });
