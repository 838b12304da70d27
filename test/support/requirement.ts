/** The doors that a promise can hold on. MCP over HTTP counts twice: the sessionful revisions and the stateless one. */
export const doors = ["websocket", "http", "mcp-http", "mcp-http-legacy", "mcp-sse", "mcp-stdio"] as const;
export type DoorName = (typeof doors)[number];

export interface Requirement {
  /** One sentence that a user could check. */
  readonly says: string;
  /** The doors that it is proved on, or "once" where it has nothing to do with a door. */
  readonly on: readonly DoorName[] | "once";
  /** What has to be on the machine for its proofs; where it is not, they are skipped with a word. */
  readonly needs?: "engines";
  /** What of the requirement is not done yet. */
  readonly partly?: string;
}

export const mcp: readonly DoorName[] = ["mcp-http", "mcp-http-legacy", "mcp-sse", "mcp-stdio"];
export const remote: readonly DoorName[] = ["websocket", "http", "mcp-http", "mcp-http-legacy", "mcp-sse"];
/** The doors on which events follow by themselves, and on which resources are read. */
export const live: readonly DoorName[] = ["websocket", "http"];
export const onHttp: readonly DoorName[] = ["http", "mcp-http", "mcp-http-legacy", "mcp-sse"];
