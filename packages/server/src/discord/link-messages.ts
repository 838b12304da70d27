import type { KeptMessage } from "../stores/message-store.ts";

/** What happened to a message, for those who follow. */
export interface MessageChange {
  readonly kind: "created" | "edited" | "deleted";
  /** Of one that was deleted, as it was: its place is judged, its text told to nobody. */
  readonly message: KeptMessage;
}

/** What the thread is asked. */
export type Asked =
  | { readonly id: number; readonly what: "fetch"; readonly message: FetchedPlace }
  | { readonly what: "stop" };

export interface FetchedPlace {
  readonly guild: string;
  readonly channel: string;
  readonly thread?: string;
  readonly message: string;
}

/** What the thread tells. */
export type Told =
  | { readonly kind: "change"; readonly change: MessageChange }
  /** Something may have happened that nobody told. */
  | { readonly kind: "lost" }
  | { readonly kind: "fault"; readonly message: string; readonly cause: unknown }
  | { readonly kind: "fetched"; readonly id: number; readonly message: KeptMessage | undefined }
  | { readonly kind: "failed"; readonly id: number; readonly why: string }
  | { readonly kind: "stopped" };
