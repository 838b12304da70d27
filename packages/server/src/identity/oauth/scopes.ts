/** What a client may ask for: tools that only read, and tools that change something or send it off this machine. */
export const readScope = "mcp:read";
export const writeScope = "mcp:write";

export interface ScopedTool {
  readonly effect: "read" | "write" | "send";
  readonly labels: { readonly egress?: boolean };
}

/** The scope that a tool's use needs. */
export const scopeOf = ({ effect, labels }: ScopedTool): typeof readScope | typeof writeScope =>
  effect === "read" && labels.egress !== true ? readScope : writeScope;

/** The scopes of a request that speak of tools; a client that names none asks to read. */
export function toToolScopes(scope: string | undefined): readonly string[] {
  const named = (scope ?? "").split(" ").filter((name) => name === readScope || name === writeScope);
  return named.length > 0 ? [...new Set(named)] : [readScope];
}
