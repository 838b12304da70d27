import {
  type DocumentKey,
  type FileStamp,
  type IndexChange,
  type IndexedDocument,
  type KeptSegment,
  type NewDocument,
  type SegmentFacts,
  type TermBlock,
  type TextIndex,
  toStampText,
} from "../store.ts";

interface File {
  readonly key: DocumentKey;
  readonly stamp: FileStamp;
  readonly sha256: string;
  readonly reason?: string;
  readonly documents: ReadonlyMap<string, number>;
}

interface Held extends KeptSegment {
  readonly blocks: readonly TermBlock[];
  readonly vocabulary: string;
}

interface State {
  readonly files: Map<string, File>;
  readonly documents: Map<number, { readonly file: DocumentKey; readonly document: NewDocument }>;
  readonly segments: Map<number, Held>;
  readonly gone: number[];
  next: number;
}

const noStamp: FileStamp = { size: 0, mtimeNs: -1n, ino: 0n };
const toName = ({ source, path }: DocumentKey): string => `${source}\0${path}`;
const firstsOf = (blocks: readonly TermBlock[]): readonly string[] => blocks.map(({ first }) => first);

/** The text index in memory, for as long as the process lives. */
export function createMemoryTextIndex(): TextIndex {
  let state: State = { files: new Map(), documents: new Map(), segments: new Map(), gone: [], next: 1 };
  let version = 0;
  let segmentIds = 1;

  const hold = (into: State, facts: SegmentFacts & Pick<Held, "blocks" | "vocabulary">): void => {
    const id = segmentIds++;
    into.segments.set(id, { ...facts, id, firsts: firstsOf(facts.blocks) });
  };

  const toDocument = (id: number): IndexedDocument | undefined => {
    const held = state.documents.get(id);
    if (!held) return undefined;
    const { text, passages, number, sha256, ...document } = held.document;
    const stamp = state.files.get(toName(held.file))?.stamp ?? noStamp;
    return { ...document, ...held.file, id, passages: passages.length, derived: text !== undefined, stamp };
  };

  return {
    async apply(changes, segment) {
      const next: State = {
        files: new Map(state.files),
        documents: new Map(state.documents),
        segments: new Map(state.segments),
        gone: [...state.gone],
        next: state.next,
      };
      const base = next.next;
      for (const change of changes) applyOne(next, change, base);
      for (const number of segment.documents) next.next = Math.max(next.next, base + number + 1);
      if (segment.documents.length > 0)
        hold(next, { ...segment, documents: segment.documents.map((number) => number + base) });
      state = next;
      version++;
    },
    async replace(ids) {
      const blocks: TermBlock[] = [];
      return {
        add: async (more) => void blocks.push(...more),
        async finish(facts) {
          if (!ids.every((id) => state.segments.has(id))) return false;
          for (const id of ids) state.segments.delete(id);
          if (facts.documents.length > 0) hold(state, { ...facts, blocks });
          version++;
          return true;
        },
        abandon: async () => {},
      };
    },
    async files(source) {
      const own = [...state.files.values()].filter(({ key }) => key.source === source);
      return new Map(
        own.map(({ key, stamp, sha256, reason, documents }) => {
          const passages = [...documents.values()].map((id) => state.documents.get(id)?.document.passages.length ?? 0);
          const counts = { documents: documents.size, passages: passages.reduce((sum, count) => sum + count, 0) };
          return [key.path, { ...key, ...stamp, sha256, ...counts, ...(reason !== undefined && { reason }) }];
        }),
      );
    },
    async stamps(source) {
      const own = [...state.files.values()].filter(({ key }) => key.source === source);
      return new Map(own.map(({ key, stamp }) => [key.path, toStampText(stamp)]));
    },
    sha256: (key) => state.files.get(toName(key))?.sha256,
    async parts(key) {
      const { documents = [] } = state.files.get(toName(key)) ?? {};
      return new Map([...documents].map(([part, id]) => [part, state.documents.get(id)?.document.sha256 ?? ""]));
    },
    still: (work) => work(),
    version: () => version,
    segments: () => [...state.segments.keys()],
    segment: (id) => state.segments.get(id),
    block: (segment, place) => state.segments.get(segment)?.blocks[place],
    vocabulary: (segment) => state.segments.get(segment)?.vocabulary ?? "",
    *entries(after) {
      for (const id of [...state.documents.keys()].sort((a, b) => a - b)) {
        const document = id > after ? toDocument(id) : undefined;
        if (document) yield document;
      }
    },
    gone: (since) => ({ ids: state.gone.slice(since), until: state.gone.length }),
    document: (key, part = "") => toDocument(state.files.get(toName(key))?.documents.get(part) ?? 0),
    documentById: toDocument,
    passage: (document, place) => state.documents.get(document)?.document.passages[place],
    passageText: (document, place) => state.documents.get(document)?.document.passages[place]?.text ?? "",
    text: (document) => state.documents.get(document)?.document.text,
    async close() {},
  };
}

function applyOne(state: State, change: IndexChange, base: number): void {
  const name = toName(change.key);
  const old = state.files.get(name);
  const remove = (id: number): void => {
    state.documents.delete(id);
    state.gone.push(id);
  };
  switch (change.kind) {
    case "add": {
      const documents = new Map(old?.documents);
      for (const document of change.documents) {
        if (document.passages.length === 0) throw new RangeError("A document has at least one passage.");
        const before = documents.get(document.part);
        if (before !== undefined) remove(before);
        documents.set(document.part, base + document.number);
        state.documents.set(base + document.number, { file: change.key, document });
      }
      state.files.set(name, { key: change.key, stamp: noStamp, sha256: "", documents });
      return;
    }
    case "done": {
      const documents = new Map(old?.documents);
      for (const [part, id] of documents) {
        if (change.parts.has(part)) continue;
        remove(id);
        documents.delete(part);
      }
      state.files.set(name, { key: change.key, stamp: change.stamp, sha256: change.sha256, documents });
      return;
    }
    case "stamp":
      if (old) state.files.set(name, { ...old, stamp: change.stamp });
      return;
    case "skip":
    case "remove":
      for (const id of old?.documents.values() ?? []) remove(id);
      state.files.delete(name);
      if (change.kind === "skip") {
        const { key, stamp, reason } = change;
        state.files.set(name, { key, stamp, sha256: "", reason, documents: new Map() });
      }
  }
}
