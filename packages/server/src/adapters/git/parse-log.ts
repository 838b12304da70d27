import type { ChangedFile } from "./schemas.ts";

/** A commit as git tells it, before anything is hidden. */
export interface RawCommit {
  readonly hash: string;
  readonly parents: readonly string[];
  readonly author: { readonly name: string; readonly email: string };
  readonly date: string;
  readonly subject: string;
  readonly body: string;
  readonly files: readonly ChangedFile[];
}

/** For `git log -z --name-status`: NUL ends each field, and NUL alone can stand in none of them. */
export const logFormat = "tformat:%x00%H%x00%P%x00%an%x00%ae%x00%aI%x00%s%x00%b%x00";
const fields = 7;

const statuses: Readonly<Record<string, ChangedFile["status"]>> = {
  A: "added",
  M: "modified",
  D: "deleted",
  T: "typeChanged",
  U: "unmerged",
};

/** Longest single field (a message, a path): beyond it the output is not believed. */
const longestField = 8 * 1024 * 1024;

/** Reads the output of `git log` in `logFormat` as it comes. A commit that is cut off by the end is dropped. */
export async function* parseLog(chunks: AsyncIterable<string>): AsyncGenerator<RawCommit> {
  let header: string[] | undefined;
  let files: ChangedFile[] = [];
  let status: string | undefined;
  let afterHeader = false;
  for await (const token of tokens(chunks)) {
    if (header && header.length < fields) {
      header.push(token);
      afterHeader = header.length === fields;
    } else if (afterHeader) {
      afterHeader = false; // the empty token that ends the format
    } else if (status !== undefined) {
      files.push({ path: token, status: statuses[status] ?? "modified" });
      status = undefined;
    } else if (token === "") {
      if (header) yield toCommit(header, files);
      header = [];
      files = [];
    } else status = token.trim().slice(0, 1);
  }
  if (header?.length === fields && status === undefined) yield toCommit(header, files);
}

async function* tokens(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let pending = "";
  for await (const chunk of chunks) {
    const parts = chunk.split("\0");
    parts[0] = pending + (parts[0] ?? "");
    pending = parts.pop() ?? "";
    if (pending.length > longestField) throw new Error("git gave a field longer than any commit should hold");
    yield* parts;
  }
}

function toCommit(header: readonly string[], files: readonly ChangedFile[]): RawCommit {
  const [hash = "", parents = "", name = "", email = "", date = "", subject = "", body = ""] = header;
  return {
    hash,
    parents: parents.split(" ").filter(Boolean),
    author: { name, email },
    date,
    subject,
    body: body.trimEnd(),
    files,
  };
}
