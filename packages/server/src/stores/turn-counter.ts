export interface TurnQuestion {
  /** Who is counted: one grant (token) over all its connections. */
  readonly grant: string;
  /** The turn inside the grant, named by the client or made from the purpose. */
  readonly turn: string;
  /** Calls per turn. */
  readonly calls: number;
  /** Calls of all turns of the grant together within the rolling `window`. */
  readonly ceiling: number;
  /** A turn closes after `idle` ms without an admitted call, and `window` ms after it opened. */
  readonly idle: number;
  readonly window: number;
  readonly now: number;
}

export type TurnResult =
  | { readonly admitted: true; readonly count: number }
  | {
      readonly admitted: false;
      readonly limit: "turn" | "ceiling";
      readonly count: number;
      readonly retryAfterMs: number;
    };

export interface TurnCounter {
  /** Counts one call before it runs: exact under concurrency. A refused call does not keep the turn open. */
  count(question: TurnQuestion): Promise<TurnResult>;
}
