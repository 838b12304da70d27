import { NotReadable, type ReadDocument } from "../document.ts";
import { usableTitle } from "./usable-title.ts";

/** A value of JSON, searched as it is written. What is no JSON is text all the same. */
export function readJson(bytes: Buffer): readonly ReadDocument[] {
  refuseBinary(bytes);
  const title = usableTitle(titleIn(bytes.toString("utf8").replace(/^\ufeff/, "")));
  return [{ part: "", ...(title !== undefined && { title }), kind: "code", sections: [] }];
}

/** Records in lines (CSV, TSV, JSONL), searched as they are written. */
export function readLines(bytes: Buffer): readonly ReadDocument[] {
  refuseBinary(bytes);
  return [{ part: "", kind: "text", sections: [] }];
}

function titleIn(json: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { title, name } = value as { readonly title?: unknown; readonly name?: unknown };
  return title ?? name;
}

function refuseBinary(bytes: Buffer): void {
  if (bytes.includes(0)) throw new NotReadable("It is binary.");
}
