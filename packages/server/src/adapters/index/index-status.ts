import type { Resource } from "@portcullis/contracts";
import { type Static, Type } from "typebox";
import { toPolicyPath } from "../../search/document-id.ts";
import { createPace } from "../../search/pace.ts";
import type { DocumentKey } from "../../stores/store.ts";
import type { Tool } from "../adapter.ts";
import type { IndexAdapterOptions } from "./index-adapter.ts";
import type { Jobs } from "./jobs.ts";

const closed = { additionalProperties: false } as const;
const count = (description: string) => Type.Integer({ minimum: 0, description });

const Input = Type.Object(
  { job: Type.Optional(Type.String({ maxLength: 64, description: "A job, as index.add gave it." })) },
  closed,
);

const Output = Type.Object(
  {
    documents: count("Documents in the index."),
    chunks: count("Passages that they are cut into."),
    bytes: count("Bytes of their files."),
    pending: count("Files found but not yet read."),
    failed: count("Files and folders that are not searchable."),
    failures: Type.Array(Type.Object({ path: Type.String(), reason: Type.String() }, closed), {
      description: "The first hundred of these, with the reason.",
    }),
    job: Type.Optional(
      Type.Enum(["running", "done", "failed", "unknown"], {
        description: "What has become of the job that was asked for; after a restart it is unknown.",
      }),
    ),
    progress: Type.Object(
      {
        state: Type.Enum(["walking", "indexing", "following"]),
        done: count("Files dealt with."),
        total: count("Files dealt with and pending."),
        ratePerSecond: Type.Number({ description: "Files a second; 0 while nothing is read." }),
        secondsLeft: Type.Optional(Type.Number({ description: "Missing while it cannot be told." })),
      },
      closed,
    ),
  },
  closed,
);

const mostFailures = 100;

/** `index.status`: what is searchable and what is not. Every number counts only what the caller may see. */
export function createStatusTool(
  options: IndexAdapterOptions,
  jobs: Jobs,
): Tool<Static<typeof Input>, Static<typeof Output>> {
  const { name, index, indexer, folders, labels } = options;
  const shownAs = ({ source, path }: DocumentKey): string =>
    `${folders.find((folder) => folder.path === source)?.name ?? ""}/${path}`;
  return {
    name: "index.status",
    title: "Index status",
    summary: "Tells how much is searchable, what is still being read, and which files cannot be read and why.",
    safety: "Reads only; counts only what policy lets you read.",
    effect: "read",
    labels,
    input: Input,
    output: Output,
    touches: (): readonly Resource[] => [{ kind: "index", name, collection: true }],
    async run({ job }, { permit, signal }) {
      const pace = createPace();
      const allows = (key: DocumentKey): boolean => permit.allows({ kind: "path", path: toPolicyPath(key) });
      const seen = { documents: 0, chunks: 0, bytes: 0 };
      const failures: { path: string; reason: string }[] = [];
      let failed = 0;
      const fail = (key: DocumentKey, reason: string): void => {
        if (++failed <= mostFailures) failures.push({ path: shownAs(key), reason });
      };
      for (const { path: source } of folders) {
        for (const file of (await index.files(source)).values()) {
          await pace();
          signal.throwIfAborted();
          if (!allows(file)) continue;
          if (file.reason !== undefined) fail(file, file.reason);
          else {
            seen.documents += file.documents;
            seen.chunks += file.passages;
            seen.bytes += file.size;
          }
        }
      }
      for (const { key, reason } of await indexer.troubles()) if (allows(key)) fail(key, reason);
      const pending = (await indexer.pending()).filter(allows).length;
      const { state, ratePerSecond } = indexer.progress();
      const done = seen.documents + failed;
      return {
        ...seen,
        ...(job !== undefined && { job: jobs.stateOf(job, permit.subject) ?? "unknown" }),
        pending,
        failed,
        failures,
        progress: {
          state: pending === 0 && state === "indexing" ? "following" : state,
          done,
          total: done + pending,
          ratePerSecond: pending === 0 ? 0 : ratePerSecond,
          ...(pending === 0 ? { secondsLeft: 0 } : ratePerSecond > 0 && { secondsLeft: pending / ratePerSecond }),
        },
      };
    },
    filter: (output, allows) => ({
      ...output,
      failures: output.failures.filter(({ path }) => {
        const folder = folders.find(({ name: own }) => path === `${own}/` || path.startsWith(`${own}/`));
        if (!folder) return false;
        return allows({
          kind: "path",
          path: toPolicyPath({ source: folder.path, path: path.slice(folder.name.length + 1) }),
        });
      }),
    }),
  };
}
