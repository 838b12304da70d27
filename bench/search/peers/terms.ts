/** The distinct words of a query as everyone splits them: runs of letters and digits, in lower case. */
export const toTerms = (query: string): readonly string[] => [
  ...new Set(query.toLowerCase().match(/[\p{L}\p{M}\p{N}_]+/gu) ?? []),
];
