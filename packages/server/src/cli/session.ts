import { isLive } from "../identity/tokens.ts";
import type { Command, Invocation } from "./command.ts";
import { CommandError, type Exit, exits } from "./exit.ts";
import { type OpenKept, openKept } from "./open-kept.ts";
import { print, toTable } from "./output.ts";
import { day } from "./token.ts";
import { withDataFolder } from "./with-data-folder.ts";

/** As much of a session's id as the audit shows, which tells them apart. */
const shown = 16;
const fewest = 6;

export const session: Command = {
  usage: "list | revoke ID",
  summary: "List who is connected, and end a session",
  options: {},
  async run(invocation) {
    const [verb, id] = invocation.positionals;
    if (verb !== "list" && verb !== "revoke")
      throw new CommandError(exits.usage, "session needs one of: list, revoke.", "portcullis session --help");
    const state = await withDataFolder(invocation.data, () => openKept(invocation));
    try {
      return verb === "list" ? await list(invocation, state) : await revoke(invocation, state, id);
    } finally {
      await state.close();
    }
  },
};

async function liveSessions({ sessions, tokens }: OpenKept) {
  const now = Date.now();
  const live = (await sessions.list()).filter(({ expiresAt }) => expiresAt > now);
  const found = await Promise.all(
    live.map(async ({ id, tokenId, ...session }) => {
      const token = await tokens.find(tokenId);
      // A login at another issuer is in no list of ours.
      return token && !isLive(token, now)
        ? []
        : [{ id: id.slice(0, shown), ...session, token: token?.name ?? tokenId }];
    }),
  );
  return found.flat();
}

async function list({ output }: Invocation, state: OpenKept): Promise<Exit> {
  const sessions = await liveSessions(state);
  const rows = sessions.map(({ id, subject, token, door, client, createdAt, expiresAt }) => [
    ...[id, subject, token, door, client],
    ...[day(createdAt), day(expiresAt)],
  ]);
  const head = ["ID", "SUBJECT", "TOKEN", "DOOR", "PROGRAM", "SINCE", "ENDS"];
  print(output, { sessions }, rows.length === 0 ? "Nobody has a session." : toTable([head, ...rows]));
  return exits.ok;
}

async function revoke({ output }: Invocation, { sessions }: OpenKept, wanted: string | undefined): Promise<Exit> {
  if (wanted === undefined || !/^[0-9a-f]+$/.test(wanted) || wanted.length < fewest)
    throw new CommandError(
      exits.usage,
      `session revoke needs a session's id, or at least ${fewest} of its first characters.`,
      "portcullis session list",
    );
  const [found, other] = (await sessions.list()).filter(({ id }) => id.startsWith(wanted));
  if (!found) throw new CommandError(exits.no, `There is no session ${wanted}.`, "portcullis session list");
  if (other) throw new CommandError(exits.no, `Several sessions begin with ${wanted}: give more of the id.`);
  await sessions.remove(found.id);
  const id = found.id.slice(0, shown);
  print(
    output,
    { revoked: id, subject: found.subject },
    `Ended ${id} of ${found.subject}. Its token is still good: portcullis token revoke takes that back.`,
  );
  return exits.ok;
}
