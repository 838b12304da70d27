import {
  compare,
  type Definition,
  type Listing,
  type PinFile,
  readPins,
  saysSame,
  stampOf,
  writePins,
} from "./pins.ts";

export interface PinBoard {
  /** Another text whenever what is accepted may have changed, whoever changed it. */
  version(): string;
  /** The tools that may be shown: accepted, and still what was accepted. */
  accepted(): readonly Definition[];
  /** Takes what a server offers now, and answers with the names that wait for the owner since. */
  take(listing: Listing): readonly string[];
}

export interface PinBoardOptions {
  readonly file: string;
  readonly trustFirst: boolean;
  readonly now?: () => Date;
}

/** The owner's answer in another process counts this long after it was given, at most (ms). */
const staleMs = 500;

/** What is pinned of a source, as its file says it now. While the file cannot be read, nothing of the source is shown. */
export function createPinBoard({ file, trustFirst, now = () => new Date() }: PinBoardOptions): PinBoard {
  let stamp: string | undefined;
  let pins: PinFile | undefined;
  let fault: unknown;
  let checked = Number.NEGATIVE_INFINITY;

  const refresh = (wanted: boolean): void => {
    const at = performance.now();
    if (!wanted && at - checked < staleMs) return;
    checked = at;
    const found = stampOf(file);
    if (found === stamp && fault === undefined) return;
    stamp = found;
    try {
      [pins, fault] = [readPins(file), undefined];
    } catch (error) {
      [pins, fault] = [undefined, error];
    }
  };

  return {
    version() {
      refresh(false);
      return stamp ?? "";
    },
    accepted() {
      refresh(false);
      return Object.values(pins?.tools ?? {}).flatMap(({ accepted, held, gone }) =>
        accepted && !held && !gone ? [accepted.definition] : [],
      );
    },
    take(listing) {
      refresh(true);
      if (fault !== undefined) throw fault;
      const after = compare(pins, { listing, trustFirst, now: now() });
      const heldBefore = new Map(Object.entries(pins?.tools ?? {}).map(([name, { held }]) => [name, held?.hash]));
      if (!saysSame(pins, after)) {
        writePins(file, after);
        refresh(true);
      }
      return Object.entries(after.tools).flatMap(([name, { held }]) =>
        held && heldBefore.get(name) !== held.hash ? [name] : [],
      );
    },
  };
}
