export interface ScaffoldOptions {
  readonly name: string;
  readonly folder: string;
  /** The folder of the server's own types. */
  readonly types: string;
}

/** The files of a new adapter, which works as it stands: it finds lines of a text file. */
export const scaffold = ({ name, folder, types }: ScaffoldOptions): Readonly<Record<string, string>> => ({
  "adapter.ts": module,
  "cases.ts": toCases(name),
  "package.json": `${JSON.stringify(
    { name, private: true, type: "module", devDependencies: { "@types/node": "^24", typescript: "^7" } },
    null,
    2,
  )}\n`,
  "lines.txt": "Water the plants.\nCall the printer.\nBuy seeds for the garden.\n",
  "tsconfig.json": `${JSON.stringify(
    {
      compilerOptions: {
        ...{ target: "es2024", module: "nodenext", strict: true, noEmit: true },
        ...{ erasableSyntaxOnly: true, allowImportingTsExtensions: true, skipLibCheck: true },
        paths: { "portcullis/adapter": [`${types}module.d.ts`] },
      },
      include: ["*.ts"],
    },
    null,
    2,
  )}\n`,
  "README.md": toReadme(name, folder),
});

const module = `import { readFile } from "node:fs/promises";
import type { CreateAdapter, ModuleTool } from "portcullis/adapter";

interface Found {
  readonly lines: readonly string[];
}

/** Finds lines of one text file. What \`options\` holds stands in portcullis.yaml. */
const create: CreateAdapter = ({ name, options, CallError }) => {
  const file = String(options.file);
  const find: ModuleTool<{ readonly text: string }, Found> = {
    name: \`\${name}.find\`,
    title: "Find a line",
    summary: "Finds the lines that hold a word.",
    safety: "Reads one file, and nothing else.",
    // read, write (on this machine) or send (something leaves it).
    effect: "read",
    // What it gives out: \`private\` names a compartment; \`untrusted\` says that others can write it; \`egress\` that arguments leave.
    labels: { private: name },
    input: {
      type: "object",
      properties: { text: { type: "string", minLength: 1, maxLength: 200 } },
      required: ["text"],
      additionalProperties: false,
    },
    output: {
      type: "object",
      properties: { lines: { type: "array", items: { type: "string" } } },
      required: ["lines"],
      additionalProperties: false,
    },
    // Every resource that these arguments reach: a policy judges them before \`run\` is called.
    touches: () => [{ kind: "path", path: file }],
    async run({ text }, { signal }) {
      const whole = await readFile(file, { encoding: "utf8", signal }).catch((cause: unknown) => {
        throw new CallError("UPSTREAM", "The file cannot be read.", {
          cause,
          details: { next: "Ask the owner to look at the adapter's options." },
        });
      });
      return { lines: whole.split("\\n").filter((line) => line.toLowerCase().includes(text.toLowerCase())) };
    },
  };
  return { tools: () => [find] };
};

export default create;
`;

const toCases = (name: string): string => `/** What \`portcullis adapter check\` gives the adapter as its options. */
export const options = { file: new URL("lines.txt", import.meta.url).pathname };

/** The calls that it tries, and what each should come to: \`answer\`, or a code. */
export default [
  { tool: "${name}.find", args: { text: "garden" }, expect: "answer" },
  { tool: "${name}.find", args: { text: "nothing of the kind" }, expect: "answer" },
  { tool: "${name}.find", args: {}, expect: "VALIDATION_ERROR" },
];
`;

const toReadme = (name: string, folder: string): string => `# ${name}

An adapter for Portcullis.

1. \`portcullis adapter check ${folder}/adapter.ts\` holds it against what the server counts on.
2. In portcullis.yaml of the data folder:

       adapters:
         - { name: ${name}, module: ${folder}/adapter.ts, options: { file: ${folder}/lines.txt } }

3. In a policy of the data folder's \`policies\`:

       ---
       subject: owner
       scopes:
         - { tool: ${name}.find, allow: ["${folder}/lines.txt"] }

4. Start the server anew: its clients have the tool \`${name}.find\`.

It runs inside of the server, with all that the server may do: install none that you have not read.
`;
