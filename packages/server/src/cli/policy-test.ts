import { runTests, toTestText } from "../policy/run-tests.ts";
import { type Invocation, text } from "./command.ts";
import { type Exit, exits } from "./exit.ts";
import { print } from "./output.ts";
import { sampleTools } from "./policy-audit.ts";
import { openWorld, readSet, readTests } from "./policy-set.ts";

/** `policy test [FILE…]`: whether a set of policies does what its cases say. */
export async function testPolicy(invocation: Invocation): Promise<Exit> {
  const world = await openWorld(invocation);
  const policies = await readSet(world, text(invocation.values, "policy"));
  const files = await readTests(world, invocation.positionals.slice(1));
  const report = runTests(files, { policies, options: world.options, tools: sampleTools(), now: Date.now() });
  print(invocation.output, report, toTestText(report));
  return report.ok ? exits.ok : exits.no;
}
