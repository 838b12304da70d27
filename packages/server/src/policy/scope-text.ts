/** A scope as it is proposed to an owner. */
export interface ProposedScope {
  readonly tool: readonly string[];
  readonly allow: readonly string[];
  readonly methods?: readonly string[];
  readonly purposes?: readonly string[];
}

/** A policy document in YAML, to stand at the end of any policy file. Every text is quoted: none of them can be anything but a text. */
export const toDocumentText = (subject: string, scopes: readonly ProposedScope[]): string =>
  [
    "---",
    `subject: ${JSON.stringify(subject)}`,
    "scopes:",
    ...scopes.flatMap(({ tool, allow, methods, purposes }) => [
      `  - tool:${tool.length === 1 ? ` ${JSON.stringify(tool[0])}` : list(tool)}`,
      `    allow:${list(allow)}`,
      ...(methods ? [`    methods:${list(methods)}`] : []),
      ...(purposes ? [`    purposes:${list(purposes)}`] : []),
    ]),
    "",
  ].join("\n");

/** What stands behind a key: one line when it is short. */
function list(texts: readonly string[]): string {
  const quoted = texts.map((text) => JSON.stringify(text));
  const line = `[${quoted.join(", ")}]`;
  return line.length <= 90 ? ` ${line}` : `\n${quoted.map((text) => `      - ${text}`).join("\n")}`;
}
