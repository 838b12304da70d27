import { isAbsolute, resolve } from "node:path";
import type { Resource } from "@portcullis/contracts";
import { compileOptions, describeTools, policyFolder } from "../assemble.ts";
import { checkPolicies, toExplanationText } from "../policy/check.ts";
import { compilePolicy, emptyPolicy } from "../policy/compile.ts";
import { toServedFolders } from "../served-folders.ts";
import { createPolicyFolder, PolicyFolderError } from "../stores/files/policy-store.ts";
import type { PolicySource } from "../stores/store.ts";
import { type Command, type Invocation, text } from "./command.ts";
import { CommandError, type Exit, exits } from "./exit.ts";
import { homeOf, lastServed, settingsOf } from "./open-server.ts";
import { print } from "./output.ts";

export const policy: Command = {
  usage: "check | explain SUBJECT TOOL RESOURCE [--purpose WHY] [--method GET]",
  summary: "Tell what is wrong with the policies, and why a call would be allowed or denied",
  options: {
    purpose: { type: "string", help: "the purpose of the call that is asked about" },
    method: { type: "string", help: "the HTTP method of the call that is asked about (default GET)" },
  },
  async run(invocation) {
    switch (invocation.positionals[0]) {
      case "check":
        return check(invocation);
      case "explain":
        return explain(invocation);
      default:
        throw new CommandError(exits.usage, "policy needs one of: check, explain.", "portcullis policy --help");
    }
  },
};

async function load(invocation: Invocation) {
  const settings = settingsOf({ ...invocation, positionals: [] });
  const folders = toServedFolders(settings.folders.length > 0 ? settings.folders : lastServed(invocation.data));
  const folder = policyFolder(invocation.data, settings);
  let sources: readonly PolicySource[];
  try {
    sources = await createPolicyFolder(folder).read();
  } catch (error) {
    if (error instanceof PolicyFolderError)
      throw new CommandError(exits.noInput, error.message, "Name the data folder with --data.");
    throw error;
  }
  return { sources, options: compileOptions({ folders, home: homeOf(invocation), registry: describeTools() }) };
}

async function check(invocation: Invocation): Promise<Exit> {
  const { sources, options } = await load(invocation);
  const { text: shown, ...report } = checkPolicies(sources, options);
  print(invocation.output, report, shown);
  return report.ok ? exits.ok : exits.no;
}

async function explain(invocation: Invocation): Promise<Exit> {
  const [, subject, tool, resource] = invocation.positionals;
  if (!subject || !tool || !resource) {
    throw new CommandError(
      exits.usage,
      "policy explain needs a subject, a tool and a resource.",
      "portcullis policy explain duck@home fs.readFile ~/notes/todo.md",
    );
  }
  const { sources, options } = await load(invocation);
  const compiled = compilePolicy(sources, options);
  const purpose = text(invocation.values, "purpose");
  const explanation = (compiled.policy ?? emptyPolicy()).explain({
    subject,
    tool,
    effect: describeTools().find(tool)?.tool.effect ?? "read",
    resource: toResource(resource, text(invocation.values, "method") ?? "GET"),
    purpose: purpose === undefined ? { text: "policy explain", stated: false } : { text: purpose, stated: true },
    now: Date.now(),
  });
  print(invocation.output, explanation, toExplanationText(explanation));
  return explanation.verdict.effect === "allow" ? exits.ok : exits.no;
}

function toResource(given: string, method: string): Resource {
  if (/^https?:\/\//i.test(given) && URL.canParse(given))
    return { kind: "url", href: new URL(given).href, method: method.toUpperCase() };
  const path = given.startsWith("file://") ? decodeURIComponent(new URL(given).pathname) : given;
  return { kind: "path", path: (isAbsolute(path) ? resolve(path) : resolve(process.cwd(), path)).normalize("NFC") };
}
