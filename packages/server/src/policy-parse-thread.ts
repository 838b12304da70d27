import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { CompileOptions } from "./policy/compile-scope.ts";
import type { PolicyDocument, Scope } from "./policy/document.ts";
import type { Fault } from "./policy/fault.ts";
import type { YamlDocument, YamlFile } from "./policy/yaml-document.ts";
import type { ParseData, ParseTold, Place } from "./policy-parse-messages.ts";
import type { PolicySource } from "./stores/store.ts";

const url = new URL(
  import.meta.url.endsWith(".ts") ? "./policy-parse-worker.ts" : "./policy-parse-worker.js",
  import.meta.url,
);
const resourceLimits = { maxOldGenerationSizeMb: 1_024 } as const;

export interface ParseThread<T> {
  readonly result: Promise<T>;
  /** Ends the thread, whatever it does. */
  stop(): Promise<void>;
}

/**
 * Parses policy files in a thread of its own: the parser of YAML takes a document in one go, and a large one would hold up calls. What it made
 * comes over in parts; undefined for a set with faults of form.
 */
export function startParsing(sources: readonly PolicySource[]): ParseThread<readonly PolicyFile[] | undefined> {
  const { ask, stop } = start({ wanted: "files", sources, options: { home: "/", served: [] }, patterns: false });
  return { result: collect(ask), stop };
}

/** Finds all that is wrong or odd with a set, each at its exact place, in a thread of its own. */
export function startChecking(
  sources: readonly PolicySource[],
  { checkPattern, ...options }: CompileOptions,
): ParseThread<{ readonly faults: readonly Fault[]; readonly warnings: readonly Fault[] }> {
  const { ask, stop } = start({ wanted: "check", sources, options, patterns: checkPattern !== undefined });
  const result = ask().then((told) => {
    if (told.kind !== "checked") throw outOfOrder();
    return told;
  });
  return { result, stop };
}

export type PolicyFile = YamlFile<PolicyDocument>;

function start(workerData: ParseData) {
  const worker = new Worker(url, { workerData, resourceLimits });
  const gone = once(worker, "exit").then(() => {
    throw new Error("The thread that parses policies has ended.");
  });
  // It is awaited in each question; between two of them its end is no fault.
  gone.catch(() => {});
  return {
    async ask(): Promise<ParseTold> {
      // `once` rejects with the thread's own error.
      const answer = once(worker, "message");
      worker.postMessage("next");
      const [told] = (await Promise.race([answer, gone])) as [ParseTold];
      return told;
    },
    async stop(): Promise<void> {
      await worker.terminate();
    },
  };
}

async function collect(ask: () => Promise<ParseTold>): Promise<readonly PolicyFile[] | undefined> {
  const drafts: Draft[] = [];
  for (;;) {
    const told = await ask();
    if (told.kind === "checked") throw outOfOrder();
    if (told.kind === "parsed") return told.whole ? drafts.map(toFile) : undefined;
    if (told.kind === "file") drafts.push({ path: told.path, documents: [] });
    const file = drafts.at(-1);
    if (told.kind === "document") file?.documents.push({ ...told, scopes: [], places: [] });
    if (told.kind === "scopes") {
      file?.documents.at(-1)?.scopes.push(...told.scopes);
      file?.documents.at(-1)?.places.push(...told.places);
    }
  }
}

const outOfOrder = (): Error => new Error("The thread that parses policies told its parts out of order.");

interface Draft {
  readonly path: string;
  readonly documents: {
    readonly index: number;
    readonly head: PolicyDocument;
    readonly scopes: Scope[];
    readonly places: Place[];
  }[];
}

const toFile = ({ path, documents }: Draft): YamlFile<PolicyDocument> => ({
  path,
  faults: [],
  documents: documents.map(({ index, head, scopes, places }): YamlDocument<PolicyDocument> => {
    const value = scopes.length > 0 ? { ...head, scopes } : head;
    // Scopes alone are looked up here; every fault is told by the thread, which has the text.
    const locate: YamlDocument<PolicyDocument>["locate"] = ([, number]) =>
      (typeof number === "number" ? places[number] : undefined) ?? { line: 1, column: 1 };
    return { path, whole: true, index, value, locate };
  }),
});
