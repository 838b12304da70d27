/** Some models place a question elsewhere than the text that answers it. */
export type Use = "document" | "query";

/** Turns texts into points, of which near ones mean something similar. */
export interface Embedder {
  /** Its name at the endpoint. */
  readonly model: string;
  /** How many numbers a vector has; asks the endpoint when nothing has been embedded yet. */
  dimensions(signal: AbortSignal): Promise<number>;
  /** The name of the collection of this model's vectors: another model, or the same asked in another way, has another. */
  collection(signal: AbortSignal): Promise<string>;
  /** One vector of length 1 for each text, in order. Rejects with `EmbedFault`, or with the signal's reason. */
  embed(texts: readonly string[], use: Use, signal: AbortSignal): Promise<readonly Float32Array[]>;
}

/** Sends some texts to an endpoint as they are, and answers with whatever numbers it gives. */
export type SendTexts = (texts: readonly string[], signal: AbortSignal) => Promise<readonly unknown[]>;
