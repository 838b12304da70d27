import { isAbsolute, resolve } from "node:path";
import type { Resource } from "@portcullis/contracts";
import { checkPolicies, toExplanationText } from "../policy/check.ts";
import { compilePolicy, emptyPolicy } from "../policy/compile.ts";
import { policySchemaText } from "../policy/schema.ts";
import { type Command, type Invocation, text } from "./command.ts";
import { CommandError, type Exit, exits } from "./exit.ts";
import { knownTools } from "./known-tools.ts";
import { print } from "./output.ts";
import { diffPolicies } from "./policy-diff.ts";
import { readGrants } from "./policy-grants.ts";
import { publish } from "./policy-publish.ts";
import { replayAudit } from "./policy-replay.ts";
import { compileSet, openWorld, readSet } from "./policy-set.ts";
import { suggestPolicy } from "./policy-suggest.ts";
import { testPolicy } from "./policy-test.ts";

const verbs: Readonly<Record<string, (invocation: Invocation) => Promise<Exit>>> = {
  check,
  explain,
  test: testPolicy,
  diff: diffPolicies,
  replay: replayAudit,
  suggest: suggestPolicy,
  publish: publishPolicy,
  schema: async ({ output }) => {
    output.out(policySchemaText().trimEnd());
    return exits.ok;
  },
};

export const policy: Command = {
  usage:
    "check [WHERE] | explain SUBJECT TOOL RESOURCE | test [FILE…] | diff OLD [NEW] | replay | suggest | publish [WHERE] | schema",
  summary: "Tell what is wrong with the policies, prove what they do, and what a change of them changes",
  options: {
    purpose: { type: "string", help: "explain: the purpose of the call that is asked about" },
    method: { type: "string", help: "explain: the HTTP method of the call that is asked about (default GET)" },
    client: { type: "string", help: "explain: the token, by name or id, whose grants count" },
    policy: { type: "string", help: "test, replay: another folder, file or git revision of policies" },
    since: { type: "string", help: "diff, replay, suggest: only calls since then: 7d, 24h, or a date (suggest: 7d)" },
    limit: { type: "string", help: "diff, replay: how many examples to show of each kind (default 20)" },
    request: { type: "string", help: "suggest: only for the call of this audit id" },
    folder: { type: "boolean", help: "suggest: open the folders of what was asked for, too" },
    used: { type: "boolean", help: "suggest: the least policy that covers what was allowed and used" },
    write: { type: "string", help: "suggest: put the lines at the end of this file" },
  },
  async run(invocation) {
    const verb = verbs[invocation.positionals[0] ?? ""];
    if (verb) return verb(invocation);
    throw new CommandError(
      exits.usage,
      `policy needs one of: ${Object.keys(verbs).join(", ")}.`,
      "portcullis policy --help",
    );
  },
};

async function check(invocation: Invocation): Promise<Exit> {
  const world = await openWorld(invocation);
  const { text: shown, ...report } = checkPolicies(await readSet(world, invocation.positionals[1]), world.options);
  print(invocation.output, report, shown);
  return report.ok ? exits.ok : exits.no;
}

/** Nothing with a fault is published: what replicas read is what was found good here. */
async function publishPolicy(invocation: Invocation): Promise<Exit> {
  const world = await openWorld(invocation);
  const sources = await readSet(world, invocation.positionals[1] ?? world.folder);
  compileSet(sources, world);
  return publish(invocation, sources);
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
  const world = await openWorld(invocation);
  const compiled = compilePolicy(await readSet(world), world.options);
  const purpose = text(invocation.values, "purpose");
  const { grants, client } = await readGrants(invocation);
  const explanation = (compiled.policy ?? emptyPolicy()).with(grants).explain({
    subject,
    ...(client !== undefined && { client }),
    tool,
    effect: (await knownTools(invocation)).find(tool)?.tool.effect ?? "read",
    resource: toResource(resource, text(invocation.values, "method") ?? "GET"),
    purpose: purpose === undefined ? { text: "policy explain", stated: false } : { text: purpose, stated: true },
    now: Date.now(),
  });
  print(invocation.output, explanation, toExplanationText(explanation));
  return explanation.verdict.effect === "allow" ? exits.ok : exits.no;
}

function toResource(given: string, method: string): Resource {
  if (/^(https?|mcp|prompt|model):\/\//i.test(given) && URL.canParse(given))
    return { kind: "url", href: new URL(given).href, method: method.toUpperCase() };
  const path = given.startsWith("file://") ? decodeURIComponent(new URL(given).pathname) : given;
  return { kind: "path", path: (isAbsolute(path) ? resolve(path) : resolve(process.cwd(), path)).normalize("NFC") };
}
