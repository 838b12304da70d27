import { type Fault, PatternError } from "./fault.ts";
import type { ParsedDocument } from "./parse.ts";

/** A place in a policy file: what is wrong there is told here. */
export interface At {
  /** False when the document lacks parts that had faults: what seems missing there may not be. */
  readonly whole: boolean;
  fault(message: string, suggestion?: string): void;
  warn(message: string): void;
  /** A place within this one. */
  in(...keys: readonly (string | number)[]): At;
  /** What the body makes, as a list of one; a `PatternError` becomes a fault of this place, and the list is empty. */
  attempt<T>(body: () => T): readonly T[];
}

interface Ledger {
  readonly document: ParsedDocument;
  readonly faults: Fault[];
  readonly warnings: Fault[];
}

export function createAt(ledger: Ledger, keys: readonly (string | number)[]): At {
  const tell = (list: Fault[], message: string, suggestion?: string): void => {
    const { path, locate } = ledger.document;
    list.push({ path, ...locate(keys), message, ...(suggestion !== undefined && { suggestion }) });
  };
  const at: At = {
    whole: ledger.document.whole,
    fault: (message, suggestion) => tell(ledger.faults, message, suggestion),
    warn: (message) => tell(ledger.warnings, message),
    in: (...further) => createAt(ledger, [...keys, ...further]),
    attempt: (body) => {
      try {
        return [body()];
      } catch (error) {
        if (!(error instanceof PatternError)) throw error;
        at.fault(error.message, error.suggestion);
        return [];
      }
    },
  };
  return at;
}
