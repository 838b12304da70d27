import { parentPort, workerData } from "node:worker_threads";
import { compileParsed } from "./policy/compile.ts";
import { parsePolicy } from "./policy/parse.ts";
import { finish } from "./policy/steps.ts";
import type { ParseData, ParseTold } from "./policy-parse-messages.ts";
import { checkPattern } from "./redaction/patterns.ts";

const scopesAtOnce = 250;

function* tell({ wanted, sources, options, patterns }: ParseData): Generator<ParseTold, void> {
  const files = sources.map(parsePolicy);
  if (wanted === "check") {
    const { faults, warnings } = finish(compileParsed(files, { ...options, ...(patterns && { checkPattern }) }));
    return yield { kind: "checked", faults, warnings };
  }
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

const told = tell(workerData as ParseData);
parentPort?.on("message", () => parentPort?.postMessage(told.next().value));
