import { callTool, ServerFault } from "./server.ts";

/** A passage that a search has found, with what it is cited by. */
export interface Found {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly sha256: string;
}

const most = 8;

export async function searchFor(query: string): Promise<readonly Found[]> {
  const { result, citations } = await callTool(
    "search",
    { query, limit: most },
    "search from the panel on chatgpt.com",
  );
  const results = Array.isArray(result.results) ? (result.results as readonly Readonly<Record<string, unknown>>[]) : [];
  return results.flatMap((one): Found[] => {
    const cited = citations.find(({ id, stale }) => id === one.id && stale !== true);
    const { id, title, text } = one;
    if (typeof id !== "string" || typeof title !== "string" || typeof text !== "string" || !cited) return [];
    const { start, end, sha256 } = cited;
    return typeof start === "number" && typeof end === "number" && typeof sha256 === "string"
      ? [{ id, title, text, start, end, sha256 }]
      : [];
  });
}

/** The passage with its citation, as it is put into a draft. The server records that it leaves before it answers. */
export async function offerPassage({ id, start, end, sha256 }: Found): Promise<string> {
  const { result } = await callTool(
    "chat.offer",
    { id, start, end, sha256 },
    "put a passage into a draft on chatgpt.com",
  );
  const { text, title, cite } = result;
  if (typeof text !== "string" || typeof title !== "string" || typeof cite !== "string")
    throw new ServerFault("This answer cannot be read.");
  return `${text.trim()}\n\n(${title}, ${cite})`;
}
