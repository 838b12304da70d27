/** A policy of `count` scopes for one subject, of which one allows the folder: what a decision has to find its way through. */
export function toPolicy(subject: string, folder: string, count: number): string {
  const scopes = Array.from(
    { length: count - 1 },
    (_, n) =>
      `  - { id: s${n}, tool: [fs.readFile, search], allow: ["/srv/projects/p${n}/**"], deny: ["/srv/projects/p${n}/.env", "**/p${n}.key"] }`,
  );
  const own = `  - { id: bench, tool: "*", allow: ["${folder}/**"], rate: { perMinute: 1000000, burst: 1000000 } }`;
  return [`subject: ${subject}`, "scopes:", ...scopes, own, ""].join("\n");
}

/** The same over files of at most 1,000 scopes each, since one file has a limit. */
export function toPolicies(
  subject: string,
  folder: string,
  count: number,
): readonly { readonly path: string; readonly text: string }[] {
  const [first = "", head = "", ...scopes] = toPolicy(subject, folder, count).trimEnd().split("\n");
  return Array.from({ length: Math.ceil(count / 1_000) }, (_, file) => ({
    path: `bench-${String(file).padStart(2, "0")}.yaml`,
    text: [first, head, ...scopes.slice(file * 1_000, (file + 1) * 1_000), ""].join("\n"),
  }));
}
