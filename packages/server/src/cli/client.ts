import { forgetClient, type KnownClient, listClients } from "../identity/oauth/clients.ts";
import type { Command, Invocation } from "./command.ts";
import { CommandError, type Exit, exits } from "./exit.ts";
import { type OpenKept, openKept } from "./open-kept.ts";
import { print, toTable } from "./output.ts";
import { day } from "./token.ts";
import { withDataFolder } from "./with-data-folder.ts";

export const client: Command = {
  usage: "list | revoke CLIENT [GRANT]",
  summary: "List the programs that log in by OAuth with what they were granted, and take it back",
  options: {},
  async run(invocation) {
    const [verb, ...named] = invocation.positionals;
    if (verb !== "list" && verb !== "revoke")
      throw new CommandError(exits.usage, "client needs one of: list, revoke.", "portcullis client --help");
    const state = await withDataFolder(invocation.data, () => openKept(invocation));
    try {
      return verb === "list" ? await list(invocation, state) : await revoke(invocation, state, named);
    } finally {
      await state.close();
    }
  },
};

const storesOf = ({ oauth, tokens }: OpenKept) => ({ store: oauth, tokens });

async function list({ output }: Invocation, state: OpenKept): Promise<Exit> {
  const clients = await listClients(storesOf(state), Date.now());
  const rows = clients.flatMap(({ id, name, grants }) =>
    grants.length === 0
      ? [[name, id, "nothing granted"]]
      : grants.map((grant) => [
          name,
          id,
          grant.name,
          grant.subject,
          day(grant.createdAt),
          day(grant.expiresAt),
          grant.tools.join(", "),
        ]),
  );
  const head = ["CLIENT", "ID", "GRANT", "SUBJECT", "GRANTED", "EXPIRES", "TOOLS"];
  print(output, { clients }, rows.length === 0 ? "No client has registered." : toTable([head, ...rows]));
  return exits.ok;
}

async function revoke({ output }: Invocation, state: OpenKept, [wanted, grant]: readonly string[]): Promise<Exit> {
  if (!wanted)
    throw new CommandError(exits.usage, "client revoke needs a client's id or name.", "portcullis client list");
  const stores = storesOf(state);
  const now = Date.now();
  const found = findOne(await listClients(stores, now), wanted);
  if (grant !== undefined) {
    if (!found.grants.some(({ name }) => name === grant))
      throw new CommandError(exits.no, `${found.name} holds no grant named ${grant}.`, "portcullis client list");
    await state.tokens.revoke(grant, now);
    print(output, { client: found.id, revoked: [grant] }, `Withdrew ${grant} from ${found.name}, on every door.`);
    return exits.ok;
  }
  await forgetClient(stores, found, now);
  const names = found.grants.map(({ name }) => name);
  const what = names.length === 0 ? "It held nothing." : `Withdrew ${names.join(", ")}, on every door.`;
  print(output, { client: found.id, revoked: names }, `Forgot ${found.name} (${found.id}). ${what}`);
  return exits.ok;
}

/** A client by its id, or by its name where only one goes by it: names are the clients' own claims. */
function findOne(clients: readonly KnownClient[], wanted: string): KnownClient {
  const matching = clients.filter(({ id }) => id === wanted);
  const [found, other] = matching.length > 0 ? matching : clients.filter(({ name }) => name === wanted);
  if (!found) throw new CommandError(exits.no, `There is no client ${wanted}.`, "portcullis client list");
  if (other)
    throw new CommandError(
      exits.no,
      `Several clients call themselves ${wanted}: name one by its id.`,
      "portcullis client list",
    );
  return found;
}
