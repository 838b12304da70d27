export { type CallOptions, type Client, type ConnectOptions, connect } from "./connect.ts";
export { ConnectionLost, MalformedAnswer, RefusedRequest } from "./errors.ts";
