export function maskedSummary(masked: Readonly<Record<string, number>>): string | undefined {
  const entries = Object.entries(masked);
  if (entries.length === 0) return undefined;
  const total = entries.reduce((sum, [, count]) => sum + count, 0);
  return `masked ${total} secret${total === 1 ? "" : "s"} (${entries.map(([kind, count]) => `${kind} ${count}`).join(", ")})`;
}
