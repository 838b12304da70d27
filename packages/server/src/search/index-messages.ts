import type { ServedFolder } from "../adapters/adapter.ts";
import type { DocumentKey } from "../stores/store.ts";
import type { Progress } from "./work-queue.ts";

/** What the indexing thread is started with. */
export interface IndexThreadData {
  /** The index's file. */
  readonly path: string;
  readonly folders: readonly ServedFolder[];
}

/** What it is asked; each question is answered with its number. */
export type Asked = { readonly id: number; readonly what: "start" | "settled" | "pending" | "troubles" | "stop" };

export interface Trouble {
  readonly key: DocumentKey;
  readonly reason: string;
}

/** What it tells: an answer, how far it is, or what went wrong. */
export type Told =
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown }
  | { readonly kind: "progress"; readonly progress: Progress }
  | { readonly kind: "fault"; readonly message: string; readonly cause: unknown };
