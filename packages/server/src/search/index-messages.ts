import type { ServedFolder } from "../adapters/adapter.ts";
import type { DocumentKey } from "../stores/store.ts";
import type { Addition } from "./additions.ts";
import type { Progress } from "./work-queue.ts";

/** What the indexing thread is started with. */
export interface IndexThreadData {
  /** The index's file. */
  readonly path: string;
  readonly folders: readonly ServedFolder[];
}

/** What it is asked; each question is answered with its number. */
export type Asked = { readonly id: number } & Question;
export type Question =
  | { readonly what: "start" | "settled" | "pending" | "troubles" | "stop" }
  | { readonly what: "add"; readonly addition: Addition }
  | { readonly what: "remove"; readonly url: string };

export interface Trouble {
  readonly key: DocumentKey;
  readonly reason: string;
}

/** What it tells: an answer, how far it is, or what went wrong. */
export type Told =
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown }
  | { readonly kind: "failure"; readonly id: number; readonly cause: unknown }
  | { readonly kind: "progress"; readonly progress: Progress }
  | { readonly kind: "fault"; readonly message: string; readonly cause: unknown };
