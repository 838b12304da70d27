import type { Guard } from "./guard.ts";

const src = "packages/server/src";
const replace = [`${src}/files/replace-file.test.ts`];
const tools = [`${src}/adapters/fs/fs-adapter.test.ts`];
const grep = [`${src}/adapters/fs/grep.test.ts`];

export const fileGuards: readonly Guard[] = [
  {
    name: "`..` never climbs above its start",
    file: "files/canonical-path.ts",
    from: "else if (kept.pop() === undefined) {",
    to: "else if (kept.pop() === undefined && names.length < 0) {",
    tests: [`${src}/files/canonical-path.test.ts`],
  },
  {
    name: "no NUL in a path",
    file: "files/canonical-path.ts",
    from: 'if (input.includes("\\0"))',
    to: 'if (input === "\\0\\0\\0")',
    tests: [`${src}/files/canonical-path.test.ts`],
  },
  {
    name: "policy is asked again about the real path",
    file: "files/descriptor-pin.ts",
    from: "if (real !== path && !request.allows(real)) throw refuseTarget(path);",
    to: "",
    tests: [`${src}/files/pin.test.ts`],
  },
  {
    name: "a link leads to no place outside of the served folders",
    file: "files/descriptor-pin.ts",
    from: "if (real !== path) throw refuseTarget(path);",
    to: "",
    tests: [`${src}/files/pin.test.ts`],
  },
  {
    name: "nothing that is mounted in a served folder",
    file: "files/descriptor-pin.ts",
    from: "if (root.mount !== mount) throw real === path ? refuseMount(path) : refuseTarget(path);",
    to: "",
    tests: [`${src}/files/pin.test.ts`],
  },
  {
    name: "no pseudo file system",
    file: "files/descriptor-pin.ts",
    from: "if (!(await isPlainMount(mount))) throw refuseMount(path);",
    to: "void isPlainMount, void refuseMount;",
    tests: [`${src}/files/pin.test.ts`],
  },
  {
    name: "what is read is what was judged",
    file: "files/descriptor-pin.ts",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a source.
    from: "door: `/proc/self/fd/${fd}`, close",
    to: "door: disk, close",
    tests: [`${src}/files/pin.test.ts`],
  },
  {
    name: "no file with another name",
    file: "files/pin.ts",
    from: "if (stat.nlink > 1 && !hardlinks) {",
    to: "if (stat.nlink > 1e9 && !hardlinks) {",
    tests: [`${src}/files/pin.test.ts`, ...replace],
  },
  {
    name: "no pipe, socket or device",
    file: "files/pin.ts",
    from: "if (!stat.isFile()) {",
    to: "if (!stat.isFile() && stat.nlink < 0) {",
    tests: [`${src}/files/pin.test.ts`, ...replace],
  },
  {
    name: "no write outside of the served folders",
    file: "files/replace-file.ts",
    from: "if (!roots.find(real)) {",
    to: "if (!roots.find(real) && real.length < 0) {",
    tests: replace,
  },
  {
    name: "no write into `.git`",
    file: "files/replace-file.ts",
    from: '=== ".git"',
    to: '=== "\\0"',
    tests: replace,
  },
  {
    name: "no write into the server's own data",
    file: "files/replace-file.ts",
    from: 'if (closed.some((place) => isWithin(real, place.normalize("NFC")))) {',
    to: 'if (closed.length < 0 && isWithin(real, "/")) {',
    tests: replace,
  },
  {
    name: "a written name is never followed",
    file: "files/replaced-file.ts",
    from: "if (pinned.stat.isSymbolicLink()) throw refuseTarget(path);",
    to: "if (pinned.stat.isSymbolicLink()) return { name, pinned };",
    tests: replace,
  },
  {
    name: "no write into a folder that was moved away",
    file: "files/replace-file.ts",
    from: "await checkStill(path, folder);",
    to: "void checkStill;",
    tests: replace,
  },
  {
    name: "no write over what changed since it was read",
    file: "files/replace-file.ts",
    from: "if (ifMatch !== undefined && ifMatch.toLowerCase() !== sha256) throw",
    to: "if (ifMatch === sha256 + sha256) throw",
    tests: replace,
  },
  {
    name: "no write over what changes while it is replaced",
    file: "files/replace-file.ts",
    from: "await checkSame(path, target, old);",
    to: "void checkSame;",
    tests: replace,
  },
  {
    name: "no write over what should not be there",
    file: "files/replace-file.ts",
    from: "if (mustBeNew) throw exists(path);",
    to: "void exists, void mustBeNew;",
    tests: replace,
  },
  {
    name: "no write back through a link",
    file: "adapters/fs/write-file.ts",
    from: "for (const detour of detoursOf(input.path, source.place)) await checkDetour(source, detour);",
    to: "void checkDetour, void detoursOf;",
    tests: tools,
  },
  {
    name: "no mask over a secret",
    file: "adapters/fs/write-file.ts",
    from: "look: (old) => checkMasks(path, old, content),",
    to: "look: () => void checkMasks,",
    tests: tools,
  },
  {
    name: "a search opens only files that policy shows",
    file: "adapters/fs/find-files.ts",
    from: 'if (!permit.allows({ kind: "path", path })) return undefined;',
    to: "",
    tests: grep,
  },
  {
    name: "a search asks again about a file's real path",
    file: "adapters/fs/find-files.ts",
    from: 'allows: (other) => permit.allows({ kind: "path", path: other }),',
    to: "allows: () => true,",
    tests: grep,
  },
  {
    name: "a search ends at its deadline",
    file: "adapters/fs/grep.ts",
    from: "AbortSignal.any([use.signal, late])",
    to: "AbortSignal.any([use.signal])",
    tests: grep,
  },
];
