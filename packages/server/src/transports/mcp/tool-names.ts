/**
 * Dotted names hold letters, digits and dots only, so this maps them one to one onto the names that every MCP client accepts:
 * OpenAI and Anthropic take `[a-zA-Z0-9_-]{1,64}`, and one dotted name makes Claude drop the whole server.
 */
export const toMcpName = (name: string): string => name.replaceAll(".", "_");

export const fromMcpName = (name: string): string => name.replaceAll("_", ".");
