import { CallError, type Resource } from "@portcullis/contracts";
import { type Static, Type } from "typebox";
import { ulid } from "ulid";
import { addedSource, idOf, toAddedUrl } from "../../search/document-id.ts";
import type { Tool } from "../adapter.ts";
import type { IndexAdapterOptions } from "./index-adapter.ts";
import type { Jobs } from "./jobs.ts";

const closed = { additionalProperties: false } as const;

const Uri = Type.String({ maxLength: 2_000, description: "The http(s) URL that the text is found under." });

const AddInput = Type.Object(
  {
    uri: Uri,
    text: Type.String({ minLength: 1, maxLength: 1_000_000, description: "The text, as Markdown or plain." }),
    metadata: Type.Optional(
      Type.Object(
        {
          title: Type.Optional(Type.String({ maxLength: 200 })),
          tags: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { maxItems: 50 })),
          modified: Type.Optional(
            Type.String({
              pattern: "^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,9})?)?(Z|[+-]\\d{2}:\\d{2}))?$",
              description: "When it was last changed: a day, or a time with its offset (RFC 3339).",
            }),
          ),
        },
        closed,
      ),
    ),
  },
  closed,
);

const AddOutput = Type.Object(
  { job: Type.String({ description: "index.status tells by it what has become of the text." }), id: Type.String() },
  closed,
);

/** `index.add`: puts a text into the index under a URL, for whom policy lets read that URL; it is found a moment later. */
export function createAddTool(
  { additions, labels }: IndexAdapterOptions,
  jobs: Jobs,
): Tool<Static<typeof AddInput>, Static<typeof AddOutput>> {
  return {
    name: "index.add",
    title: "Add to the index",
    summary: "Puts a text into the search index under a URL, in the place of what was there; answers with a job.",
    safety: "Changes the index alone; the text is found only by those whom policy lets read its URL.",
    effect: "write",
    labels,
    input: AddInput,
    output: AddOutput,
    touches: ({ uri }) => [toResource(uri)],
    async run({ uri, text, metadata = {} }, { permit }) {
      const { title, tags, modified } = metadata;
      const url = toUrl(uri);
      const time = modified === undefined ? Date.now() : toTime(modified);
      const plain = tags?.map((tag) => tag.replace(/^#/, "").toLowerCase());
      const job = ulid();
      jobs.run(job, permit.subject, () => additions.add({ url, text, title, tags: plain, time }));
      return { job, id: idOf({ source: addedSource, path: url, part: "" }, "") };
    },
  };
}

const RemoveInput = Type.Object({ uri: Uri }, closed);
const RemoveOutput = Type.Object({ removed: Type.Boolean() }, closed);

/** `index.remove`: takes a text that was added out of the index again. */
export function createRemoveTool({
  additions,
  labels,
}: IndexAdapterOptions): Tool<Static<typeof RemoveInput>, Static<typeof RemoveOutput>> {
  return {
    name: "index.remove",
    title: "Remove from the index",
    summary: "Takes a text that index.add has put there out of the search index.",
    safety: "Changes the index alone: files of served folders are never touched, nor taken out.",
    effect: "write",
    labels,
    input: RemoveInput,
    output: RemoveOutput,
    touches: ({ uri }) => [toResource(uri)],
    run: async ({ uri }) => ({ removed: await additions.remove(toUrl(uri)) }),
  };
}

const toResource = (uri: string): Resource => ({ kind: "url", href: toUrl(uri), method: "GET" });

function toTime(modified: string): number {
  const time = Date.parse(modified);
  if (!Number.isNaN(time)) return time;
  throw new CallError("VALIDATION_ERROR", `There is no moment ${modified}.`, {
    details: { next: "Give a day of the calendar, such as 2024-05-01." },
  });
}

function toUrl(uri: string): string {
  const url = toAddedUrl(uri);
  if (url === undefined) {
    throw new CallError("VALIDATION_ERROR", `${JSON.stringify(uri.slice(0, 200))} is no http(s) URL.`, {
      details: { next: "Give a URL of your own, such as https://notes.example/plans/1; it need not lead anywhere." },
    });
  }
  return url;
}
