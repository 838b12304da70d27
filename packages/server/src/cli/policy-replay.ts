import { replay } from "../policy/replay.ts";
import { type Changes, createTally } from "../policy/tally.ts";
import { type Invocation, text } from "./command.ts";
import { type Exit, exits } from "./exit.ts";
import { print } from "./output.ts";
import { readCalls } from "./policy-audit.ts";
import { toChangeLines, toLimit } from "./policy-changes.ts";
import { compileSet, openWorld, readSet } from "./policy-set.ts";
import { toSince } from "./since.ts";

interface ReplayReport {
  /** Hash of the policy that judged. */
  readonly policy: string;
  readonly calls: number;
  readonly same: number;
  /** Calls of which the audit does not tell enough. */
  readonly unreadable: number;
  /** True when the audit holds more calls than are replayed at once. */
  readonly cut: boolean;
  readonly wider: Changes;
  readonly narrower: Changes;
}

/** `policy replay`: what a policy would have said to the calls that the audit holds. */
export async function replayAudit(invocation: Invocation): Promise<Exit> {
  const most = toLimit(invocation);
  const since = text(invocation.values, "since");
  const from = since === undefined ? 0 : toSince(since, Date.now());
  const world = await openWorld(invocation);
  const policy = compileSet(await readSet(world, text(invocation.values, "policy")), world);
  const { calls, unreadable, cut } = await readCalls(invocation.data, from);
  const tally = createTally();
  let same = 0;
  for (const call of calls) if (replay(policy, call, tally) === call.answer) same += 1;
  const report: ReplayReport = {
    policy: policy.hash,
    calls: calls.length,
    same,
    unreadable,
    cut,
    wider: tally.wider(most),
    narrower: tally.narrower(most),
  };
  print(invocation.output, report, toText(report));
  return same === calls.length ? exits.ok : exits.no;
}

function toText({ calls, same, unreadable, cut, wider, narrower }: ReplayReport): string {
  const notes = [
    ...(unreadable > 0
      ? [`${unreadable} further calls cannot be judged: what they touched was masked or cut short.`]
      : []),
    ...(cut ? ["The audit holds more: name a later --since for the rest."] : []),
  ];
  if (same === calls) return [`All ${calls} calls would be decided as they were.`, ...notes].join("\n");
  return [
    `${calls - same} of ${calls} calls would be decided otherwise.`,
    ...(wider.count > 0
      ? [`!! WIDER: ${wider.count} would newly be ALLOWED or asked about`, ...toChangeLines(wider, "    ")]
      : []),
    ...(narrower.count > 0
      ? [`Narrower: ${narrower.count} would newly be refused`, ...toChangeLines(narrower, "    ")]
      : []),
    ...notes,
  ].join("\n");
}
