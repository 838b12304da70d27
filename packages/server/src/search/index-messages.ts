import type { ServedFolder } from "../adapters/adapter.ts";
import type { VectorOptions } from "../open-vectors.ts";
import type { KnownSecret } from "../redaction/known-secrets.ts";
import type { Traffic } from "../vectors/traffic.ts";
import type { Addition } from "./additions.ts";
import type { ChatAddition } from "./chats.ts";
import type { Progress } from "./work-queue.ts";

/** What the indexing thread is started with. */
export interface IndexThreadData {
  /** The index's file. */
  readonly path: string;
  readonly folders: readonly ServedFolder[];
  /** What search by meaning is set up with, when the thread is to embed. */
  readonly meaning?: Meaning | undefined;
}

export interface Meaning extends Pick<VectorOptions, "data" | "settings"> {
  /** What is masked in texts before they are sent. */
  readonly patterns: readonly string[];
  readonly secrets: readonly KnownSecret[];
  readonly traffic: Traffic;
}

/** What it is asked; each question is answered with its number. */
export type Asked = { readonly id: number } & Question;
export type Question =
  | { readonly what: "start" | "settled" | "pending" | "troubles" | "stop" }
  | { readonly what: "add"; readonly addition: Addition }
  | { readonly what: "chat"; readonly chat: ChatAddition }
  | { readonly what: "remove"; readonly url: string };

/** What it tells: an answer, how far it is, or what went wrong. */
export type Told =
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown }
  | { readonly kind: "failure"; readonly id: number; readonly cause: unknown }
  | { readonly kind: "progress"; readonly progress: Progress }
  | { readonly kind: "fault"; readonly message: string; readonly cause: unknown };
