import type { JSONRPCMessage, RequestId } from "@modelcontextprotocol/server";

/** The revisions that know batches; later ones refuse them. */
export const batchingRevisions = ["2024-11-05", "2025-03-26"];

/** The most messages in one batch. */
export const maxBatch = 100;

export const requestIdOf = (message: JSONRPCMessage): RequestId | undefined =>
  "method" in message && "id" in message ? message.id : undefined;
