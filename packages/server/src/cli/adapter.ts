import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Case, checkAdapter, type Finding } from "../adapters/conformance/check-adapter.ts";
import { loadAdapterModule } from "../load-adapter-modules.ts";
import { scaffold } from "./adapter-scaffold.ts";
import { type Command, type Invocation, text } from "./command.ts";
import { CommandError, type Exit, exits } from "./exit.ts";
import { print } from "./output.ts";
import { homeOf } from "./settings-of.ts";

const nameForm = /^[a-z][A-Za-z0-9]{0,23}$/;

export const adapter: Command = {
  usage: "new NAME [--to FOLDER] | check MODULE [--name NAME] [--cases FILE]",
  summary: "Begin a source of your own, and check that it keeps to what the server counts on",
  options: {
    to: { type: "string", help: "the folder to make (default: the adapter's name)" },
    name: { type: "string", help: "the name that the configuration will give it (default: what its first case says)" },
    cases: { type: "string", help: "the calls to try (default: cases.ts or cases.js beside the module)" },
  },
  async run(invocation) {
    const [verb, what, ...rest] = invocation.positionals;
    if (rest.length === 0 && what !== undefined && verb === "new") return begin(invocation, what);
    if (rest.length === 0 && what !== undefined && verb === "check") return check(invocation, what);
    throw new CommandError(exits.usage, "adapter needs one of: new NAME, check MODULE.", "portcullis adapter --help");
  },
};

function begin({ values, output }: Invocation, name: string): Exit {
  if (!nameForm.test(name))
    throw new CommandError(exits.usage, "A name is a letter and up to 23 letters and digits, such as bookmarks.");
  const folder = resolve(text(values, "to") ?? name);
  if (existsSync(folder))
    throw new CommandError(exits.cannotCreate, `${folder} is there already.`, "Choose another with --to.");
  // Types for editors; nothing of it is loaded when the adapter runs.
  const types = fileURLToPath(new URL("../adapters/", import.meta.url));
  mkdirSync(folder, { recursive: true });
  const files = scaffold({ name, folder, types });
  for (const [file, content] of Object.entries(files)) writeFileSync(join(folder, file), content, { flag: "wx" });
  print(
    output,
    { folder, files: Object.keys(files) },
    `Made ${folder}: ${Object.keys(files).join(", ")}.\nNext: portcullis adapter check ${join(folder, "adapter.ts")}`,
  );
  return exits.ok;
}

interface Cases {
  readonly options?: Readonly<Record<string, unknown>>;
  readonly default: readonly Case[];
}

async function check(invocation: Invocation, module: string): Promise<Exit> {
  const { values, output } = invocation;
  const path = resolve(module);
  if (!existsSync(path)) throw new CommandError(exits.no, `There is no ${path}.`);
  const cases = await readCases(text(values, "cases"), path);
  const name = text(values, "name") ?? cases.default[0]?.tool.split(".")[0] ?? "";
  if (!nameForm.test(name))
    throw new CommandError(exits.usage, "The adapter's name is not known: give it with --name.");
  const made = await loadAdapterModule({ name, module: path, options: cases.options ?? {} }, homeOf(invocation)).catch(
    (error: Error) => {
      throw new CommandError(exits.no, error.message, "docs/adapters.md tells how an adapter is written.");
    },
  );
  const findings = await checkAdapter(made, cases.default);
  const wrong = findings.filter((finding) => finding.wrong !== undefined);
  print(output, { ok: wrong.length === 0, findings }, [...findings.map(toLine), toSum(findings, wrong)].join("\n"));
  return wrong.length === 0 ? exits.ok : exits.no;
}

const toLine = ({ of, check: looked, wrong }: Finding): string =>
  wrong === undefined ? `ok     ${of}: ${looked}` : `WRONG  ${of}: ${looked}: ${wrong}`;

const toSum = (findings: readonly Finding[], wrong: readonly Finding[]): string =>
  wrong.length === 0 ? `All ${findings.length} hold.` : `${wrong.length} of ${findings.length} do not hold.`;

async function readCases(given: string | undefined, module: string): Promise<Cases> {
  const beside = ["cases.ts", "cases.js", "cases.mjs"].map((file) => resolve(module, "..", file));
  const file = given === undefined ? beside.find((one) => existsSync(one)) : resolve(given);
  if (file === undefined || !existsSync(file))
    throw new CommandError(exits.no, "There are no cases to try.", "Write them into cases.ts beside the module.");
  const loaded = (await import(pathToFileURL(file).href)) as Cases;
  if (
    !Array.isArray(loaded.default) ||
    loaded.default.some((one) => typeof one?.tool !== "string" || typeof one.expect !== "string")
  )
    throw new CommandError(exits.no, `${file} exports no list of cases ({ tool, args, expect }) as its default.`);
  return loaded;
}
