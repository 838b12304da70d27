import { parentPort, workerData } from "node:worker_threads";
import { parsePolicy } from "./policy/parse.ts";
import type { ParseData, ParseTold } from "./policy-parse-messages.ts";

const scopesAtOnce = 250;

function* tell({ sources }: ParseData): Generator<ParseTold, void> {
  const files = sources.map(parsePolicy);
  const whole = files.every(({ faults }) => faults.length === 0);
  for (const { path, documents } of whole ? files : []) {
    yield { kind: "file", path };
    for (const { index, value, locate } of documents) {
      const { scopes = [], ...head } = value;
      yield { kind: "document", index, head };
      for (let from = 0; from < scopes.length; from += scopesAtOnce) {
        const part = scopes.slice(from, from + scopesAtOnce);
        yield { kind: "scopes", scopes: part, places: part.map((_, at) => locate(["scopes", from + at])) };
      }
    }
  }
  yield { kind: "parsed", whole };
}

/** What compiling needs is loaded for a check alone: a reload waits for this thread to start. */
async function check({ sources, options, patterns }: ParseData): Promise<ParseTold> {
  const { compilePolicy } = await import("./policy/compile.ts");
  const { checkPattern } = await import("./redaction/patterns.ts");
  const { faults, warnings } = compilePolicy(sources, { ...options, ...(patterns && { checkPattern }) });
  return { kind: "checked", faults, warnings };
}

const data = workerData as ParseData;
const told = tell(data);
const next = async (): Promise<ParseTold | undefined> =>
  data.wanted === "check" ? check(data) : (told.next().value ?? undefined);
// A rejection ends the thread with its error, which whoever asked then gets.
parentPort?.on("message", async () => parentPort?.postMessage(await next()));
