/** What an answer says of its masks, such as «masked 2 secrets (aws-access-key, private-key)»; undefined when nothing was masked. */
export function maskedSummary(masked: Readonly<Record<string, number>>): string | undefined {
  const kinds = Object.keys(masked)
    .filter((kind) => (masked[kind] ?? 0) > 0)
    .sort();
  if (kinds.length === 0) return undefined;
  const count = kinds.reduce((sum, kind) => sum + (masked[kind] ?? 0), 0);
  return `masked ${count} ${count === 1 ? "secret" : "secrets"} (${kinds.join(", ")})`;
}
