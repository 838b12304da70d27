import { CallError } from "@portcullis/contracts";
import { createFakeCorridor, type FakeCorridor, fakeTool } from "../../support/fake-corridor.ts";

/** The one document of the library, whose text no model could guess. */
export const document = {
  id: "notes/todo.md",
  title: "To do",
  text: "Water the plants on Thursday, says the cobalt heron.",
  url: "http://127.0.0.1:1/d/notes/todo.md",
};

/** A corridor with `search` and `fetch` over one document, and tools that wait, progress and fail. */
export function openLibrary(tokens?: Record<string, string>): FakeCorridor {
  const { id, title, text, url } = document;
  return createFakeCorridor(
    [
      fakeTool("search", ["query"], ({ query }) => ({
        results: String(query).trim() === "" ? [] : [{ id, title, text: text.slice(0, 16), url }],
      })),
      fakeTool("fetch", ["id"], (args) => {
        if (args.id === id) return document;
        throw new CallError("NOT_FOUND", `There is no document ${JSON.stringify(args.id)}.`, {
          details: { id: args.id, next: "Search first, and fetch by a result's id." },
        });
      }),
      fakeTool("fs.stat", ["path"], ({ path }) => ({ path, size: 1 })),
      fakeTool("work.wait", ["ms"], async (_args, { signal }) => {
        await new Promise((resolve) => signal?.addEventListener("abort", resolve, { once: true }));
        throw new CallError("CANCELLED", "The caller withdrew the call.");
      }),
      fakeTool("work.progress", ["steps"], ({ steps }, { progress }) => {
        for (let done = 1; done <= Number(steps); done++) progress?.({ done, total: Number(steps) });
        return { steps };
      }),
    ],
    tokens,
  );
}
