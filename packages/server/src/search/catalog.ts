import type { DocumentEntry, KeptSegment, TextIndex } from "../stores/store.ts";
import { createPace } from "./pace.ts";
import { type LinkTable, readLinks } from "./ranking/links.ts";

/** What the ranking looks up at every query: the documents that are there and the segments, as of the last `refresh`. */
export interface Catalog {
  /** Takes up what has changed since the last time. */
  refresh(): Promise<void>;
  /** All segments, the oldest first. */
  readonly segments: readonly KeptSegment[];
  /** Every id is below this. */
  readonly end: number;
  entry(id: number): DocumentEntry | undefined;
  /** The links of the documents in `segments`. */
  readonly links: readonly LinkTable[];
  /** What has gone, in order. A list that starts anew is another object. */
  readonly departed: readonly DocumentEntry[];
}

/** More departures than this are not remembered: what was made of them is made anew. */
const mostDeparted = 100_000;

export function createCatalog(index: TextIndex): Catalog {
  let entries: (DocumentEntry | undefined)[] = [];
  let departed: DocumentEntry[] = [];
  let segments: readonly KeptSegment[] = [];
  let links = new Map<number, LinkTable>();
  let version = -1;
  let since = 0;
  let working: Promise<void> = Promise.resolve();

  // Every row brings its own copy of what are only a few different texts.
  const texts = new Map<string, string>();
  const one = (text: string): string => {
    const known = texts.get(text);
    if (known !== undefined) return known;
    texts.set(text, text);
    return text;
  };

  const depart = (id: number): void => {
    const entry = entries[id];
    if (!entry) return;
    entries[id] = undefined;
    departed.push(entry);
  };

  async function takeUp(): Promise<void> {
    const now = index.version();
    if (now === version) return;
    // The segments first: a document whose segment is not known yet is not found, one that is not known yet counts as gone.
    const ids = index.segments();
    const known = new Map(segments.map((segment) => [segment.id, segment]));
    const next = ids.flatMap((id) => known.get(id) ?? index.segment(id) ?? []);
    const gone = index.gone(since);
    if (!gone || departed.length > mostDeparted) {
      entries = [];
      departed = [];
    }
    const pace = createPace();
    for (const entry of index.entries(Math.max(0, entries.length - 1))) {
      while (entries.length < entry.id) entries.push(undefined);
      entries[entry.id] = { ...entry, source: one(entry.source), language: one(entry.language) };
      await pace();
    }
    if (gone) {
      for (const id of gone.ids) depart(id);
      since = gone.until;
    } else since = index.gone(Number.MAX_SAFE_INTEGER)?.until ?? 0;
    const tables = new Map<number, LinkTable>();
    for (const segment of next)
      tables.set(segment.id, links.get(segment.id) ?? (await readLinks(index, segment, pace)));
    links = tables;
    segments = next;
    version = now;
  }

  return {
    refresh() {
      // Nothing to do is the usual case, and takes no turn of the event loop.
      if (index.version() === version) return Promise.resolve();
      working = working.catch(() => {}).then(takeUp);
      return working;
    },
    get segments() {
      return segments;
    },
    get end() {
      return entries.length;
    },
    entry: (id) => entries[id],
    get links() {
      return [...links.values()];
    },
    get departed() {
      return departed;
    },
  };
}
