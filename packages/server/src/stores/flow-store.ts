/** A line of work as it is kept. `state` is the text of what it has seen. */
export interface FlowRecord {
  readonly id: string;
  readonly subject: string;
  /** The token or login that it belongs to. */
  readonly grant: string;
  readonly state: string;
  /** Milliseconds since the epoch. */
  readonly openedAt: number;
  /** When it was last given something that has a label. */
  readonly readAt: number;
  /** True when the store is away: this stands for what cannot be read, and nothing can be kept. */
  readonly unsure?: true;
}

/** What lines of work have seen, and the labels of what they wrote. What it resolves to survives a loss of power. */
export interface FlowStore {
  find(id: string): Promise<FlowRecord | undefined>;
  /** Puts what `work`, which must not wait, makes of the record in its place, in one step; undefined leaves it. What it throws is thrown, and nothing done. */
  change(id: string, work: (kept: FlowRecord | undefined) => FlowRecord | undefined): Promise<void>;
  /** The latest read first. */
  list(): Promise<readonly FlowRecord[]>;
  /** Forgets flows that were last read before a moment; answers how many. */
  sweep(before: number): Promise<number>;
  /** The labels kept for a resource, in the same manner. */
  mark(uri: string, work: (kept: string | undefined) => string): Promise<void>;
  /** The labels of every resource that has some. The same map until one has changed, by whichever process. */
  marks(): Promise<ReadonlyMap<string, string>>;
}
