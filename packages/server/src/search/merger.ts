import type { KeptSegment, TextIndex } from "../stores/store.ts";
import { merge, toMerge } from "./segment/merge.ts";

/** Keeps the number of segments small. */
export interface Merger {
  /** Merges as long as there are too many of one size. What is merged is searchable all the while. */
  tidy(signal: AbortSignal): Promise<void>;
}

export function createMerger({
  index,
  fault,
}: {
  readonly index: TextIndex;
  readonly fault: (message: string, cause: unknown) => void;
}): Merger {
  let known = new Map<number, KeptSegment>();
  return {
    async tidy(signal) {
      try {
        while (!signal.aborted) {
          const ids = index.segments();
          const segments = ids.flatMap((id) => known.get(id) ?? index.segment(id) ?? []);
          known = new Map(segments.map((segment) => [segment.id, segment]));
          const next = toMerge(segments);
          if (next.length === 0 || !(await merge(index, next, signal))) return;
        }
      } catch (error) {
        // It is tried again after the next change.
        if (!signal.aborted) fault("Parts of the index could not be merged.", error);
      }
    },
  };
}
