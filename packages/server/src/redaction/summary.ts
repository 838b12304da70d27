/** Says how much was masked, as in "masked 2 secrets (aws-access-key 1, private-key 1)"; undefined when nothing was. */
export function maskedSummary(masked: Readonly<Record<string, number>>): string | undefined {
  const kinds = Object.entries(masked).filter(([, count]) => count > 0);
  if (kinds.length === 0) return undefined;
  const total = kinds.reduce((sum, [, count]) => sum + count, 0);
  const list = kinds.sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, count]) => `${kind} ${count}`);
  return `masked ${total} ${total === 1 ? "secret" : "secrets"} (${list.join(", ")})`;
}
