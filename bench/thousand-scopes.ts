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
