export { type CallOptions, type Client, type ConnectOptions, connect } from "./connect.ts";
export { ConnectionLost, MalformedAnswer, RefusedRequest } from "./errors.ts";
export type { EventHandlers, Followed } from "./follow.ts";
export type { Piece, ReadOptions } from "./read.ts";
