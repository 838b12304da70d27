import { plain } from "@portcullis/contracts";
import { readState, type Seen } from "../flow/state.ts";
import type { FlowRecord } from "../stores/flow-store.ts";
import type { Command, Invocation } from "./command.ts";
import { CommandError, type Exit, exits } from "./exit.ts";
import { openKept } from "./open-kept.ts";
import { print, toTable } from "./output.ts";
import { withDataFolder } from "./with-data-folder.ts";

/** What a line of work has seen, as it is shown: unreadable is told, and counts as everything. */
interface Shown {
  readonly id: string;
  readonly subject: string;
  readonly grant: string;
  readonly openedAt: string;
  readonly readAt: string;
  readonly private: readonly Seen[];
  readonly untrusted: readonly Seen[];
  readonly unreadable?: true;
}

export const flow: Command = {
  usage: "list | show ID",
  summary: "Show what each line of work has been given, and by which call",
  options: {},
  async run(invocation) {
    const [verb, id] = invocation.positionals;
    if (verb === "list") return list(invocation);
    if (verb === "show" && id !== undefined) return show(invocation, id);
    throw new CommandError(exits.usage, "flow needs one of: list, show ID.", "portcullis flow --help");
  },
};

const withFlows = <T>(invocation: Invocation, work: (flows: readonly FlowRecord[]) => T): Promise<T> =>
  withDataFolder(invocation.data, async () => {
    const state = await openKept(invocation, ["flows"]);
    try {
      return work(await state.flows.list());
    } finally {
      await state.close();
    }
  });

function toShown({ id, subject, grant, state, openedAt, readAt }: FlowRecord): Shown {
  const seen = readState(state);
  const [opened, read] = [openedAt, readAt].map((at) => new Date(at).toISOString());
  return {
    ...{ id, subject, grant, openedAt: opened ?? "", readAt: read ?? "" },
    ...(seen ?? { private: [], untrusted: [], unreadable: true as const }),
  };
}

const labelsOf = (seen: readonly Seen[]): string => seen.map(({ label }) => plain(label)).join(", ") || "-";

async function list(invocation: Invocation): Promise<Exit> {
  const flows = (await withFlows(invocation, (found) => found)).map(toShown);
  const rows = flows.map((one) => [
    ...[one.id, plain(one.subject), one.readAt],
    ...(one.unreadable ? ["anything", "anything"] : [labelsOf(one.private), labelsOf(one.untrusted)]),
  ]);
  const table = toTable([["FLOW", "SUBJECT", "LAST READ", "PRIVATE", "UNTRUSTED"], ...rows]);
  print(invocation.output, { flows }, flows.length === 0 ? "No line of work has been given anything labelled." : table);
  return exits.ok;
}

async function show(invocation: Invocation, id: string): Promise<Exit> {
  const [found] = (await withFlows(invocation, (flows) => flows)).filter((one) => one.id === id).map(toShown);
  if (!found)
    throw new CommandError(exits.no, `There is no flow ${JSON.stringify(id.slice(0, 64))}.`, "portcullis flow list");
  const brought = (name: string, seen: readonly Seen[]): readonly (readonly string[])[] =>
    seen.length === 0
      ? [[name, "-"]]
      : seen.map(({ label, tool, call }, at) => [
          at === 0 ? name : "",
          `${label === "*" ? "anything" : plain(label)}, by ${plain(tool)} in ${plain(call)}`,
        ]);
  const text = toTable([
    ["flow", found.id],
    ["who", `${plain(found.subject)}, by token ${plain(found.grant)}`],
    ["opened", found.openedAt],
    ["last read", found.readAt],
    ...(found.unreadable
      ? [["state", "cannot be read: it counts as having seen everything"]]
      : [...brought("private", found.private), ...brought("untrusted", found.untrusted)]),
  ]);
  print(invocation.output, found, `${text}\n\nportcullis audit query tells of a call by its id.`);
  return exits.ok;
}
