import { findGrantOfToken } from "../identity/oauth/grants.ts";
import { createToken, isLive, toExpiry } from "../identity/tokens.ts";
import { DuplicateName, type TokenRecord } from "../stores/store.ts";
import { type Command, type Invocation, text } from "./command.ts";
import { CommandError, type Exit, exits } from "./exit.ts";
import { type OpenKept, openKept } from "./open-kept.ts";
import { print, toTable } from "./output.ts";
import { withDataFolder } from "./with-data-folder.ts";

export const day = (at: number | null): string =>
  at === null ? "never" : new Date(at).toISOString().slice(0, 16).replace("T", " ");

const stateOf = (record: TokenRecord, now: number): string =>
  record.revokedAt !== null ? "revoked" : isLive(record, now) ? "valid" : "expired";

export const token: Command = {
  usage: "create NAME --subject WHO [--expires 90d] | list | revoke NAME",
  summary: "Make, list and revoke the tokens that clients log in with",
  options: {
    subject: { type: "string", help: "who the token's bearer is for policy, such as duck@home" },
    expires: { type: "string", help: "30m, 12h, 90d, an ISO date, or never (default 90d)" },
  },
  async run(invocation) {
    const [verb, name] = invocation.positionals;
    switch (verb) {
      case "create":
      case "list":
      case "revoke": {
        const state = await withDataFolder(invocation.data, () => openKept(invocation));
        try {
          return await verbs[verb]({ invocation, state, name });
        } finally {
          await state.close();
        }
      }
      default:
        throw new CommandError(exits.usage, "token needs one of: create, list, revoke.", "portcullis token --help");
    }
  },
};

interface Order {
  readonly invocation: Invocation;
  readonly state: OpenKept;
  readonly name: string | undefined;
}

async function create({ invocation: { values, output }, state, name }: Order): Promise<Exit> {
  const subject = text(values, "subject");
  if (!name || !subject)
    throw new CommandError(
      exits.usage,
      "token create needs a name and --subject WHO.",
      "portcullis token create laptop --subject duck@home",
    );
  if (!/^[\w.@:+-]{1,64}$/.test(name))
    throw new CommandError(exits.usage, "A token's name is letters, digits and . _ @ : + - only.");
  if (!/^[\w.@:+/-]{1,128}$/.test(subject))
    throw new CommandError(exits.usage, "A subject is letters, digits and . _ @ : + / - only, such as duck@home.");
  const now = Date.now();
  const expiresAt = toExpiry(text(values, "expires") ?? "90d", now);
  if (expiresAt === undefined)
    throw new CommandError(exits.usage, "--expires is 30m, 12h, 90d, a date in the future, or never.");
  try {
    const made = await createToken(state.tokens, { name, subject, expiresAt }, now);
    const shown = {
      token: made.token,
      id: made.record.id,
      name,
      subject,
      expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
    };
    print(
      output,
      shown,
      `${made.token}\n\nShown once: it is kept as a hash. ${name} acts as ${subject} until ${day(expiresAt)}; what it may do is what the policies say for ${subject}.`,
    );
    return exits.ok;
  } catch (error) {
    if (error instanceof DuplicateName)
      throw new CommandError(
        exits.no,
        `There is a token named ${name} already.`,
        `portcullis token revoke ${name}, or choose another name`,
      );
    throw error;
  }
}

async function list({ invocation: { output }, state }: Order): Promise<Exit> {
  const now = Date.now();
  const tokens = await Promise.all(
    (await state.tokens.list()).map(async ({ hash: _kept, ...record }) => {
      const granted = await findGrantOfToken(state.oauth, record.id);
      const client = granted && { name: granted.clientName, id: granted.clientId, tools: granted.tools };
      return { ...record, state: stateOf({ ...record, hash: "" }, now), ...(client && { client }) };
    }),
  );
  const rows = tokens.map((record) => [
    record.name,
    record.subject,
    record.state,
    day(record.createdAt),
    day(record.expiresAt),
    record.client ? `${record.client.name}: ${record.client.tools.join(", ")}` : "",
  ]);
  print(
    output,
    { tokens },
    toTable([["NAME", "SUBJECT", "STATE", "CREATED", "EXPIRES", "CLIENT AND ITS TOOLS"], ...rows]),
  );
  return exits.ok;
}

async function revoke({ invocation: { output }, state, name }: Order): Promise<Exit> {
  if (!name) throw new CommandError(exits.usage, "token revoke needs a token's name or id.", "portcullis token list");
  const revoked = await state.tokens.revoke(name, Date.now());
  if (!revoked) throw new CommandError(exits.no, `There is no valid token named ${name}.`, "portcullis token list");
  print(
    output,
    { revoked: revoked.name, id: revoked.id },
    `Revoked ${revoked.name}. It is refused from now on, on every door and in open sessions.`,
  );
  return exits.ok;
}

const verbs = { create, list, revoke };
