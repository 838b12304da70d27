import { type Client, ConnectionLost, connect, RefusedRequest } from "@portcullis/client";
import { ulid } from "ulid";
import { createToken } from "../identity/tokens.ts";
import { readHolder } from "../stores/data-folder.ts";
import { type Invocation, text } from "./command.ts";
import { CommandError, exits } from "./exit.ts";
import { openKept } from "./open-kept.ts";
import { withDataFolder } from "./with-data-folder.ts";

export interface Login {
  readonly client: Client;
  readonly url: string;
  /** Whether the server is the one of this data folder. */
  readonly own: boolean;
  /** Ends the connection, and the token where one was made for it. */
  end(): Promise<void>;
}

const tokenMs = 12 * 3_600_000;
/** A call that waits for the owner is answered within half a minute; a search in a large folder may take longer. */
const answerMs = 90_000;

/**
 * Logs the chat in as any client: with the token of the environment, or with one of its own that ends with it, which whoever holds the data folder may make.
 */
export async function logIn(invocation: Invocation): Promise<Login> {
  const { values, env, data } = invocation;
  const given = text(values, "url") ?? env.PORTCULLIS_URL;
  const found = given ?? readHolder(data)?.url;
  if (found === undefined || found === "")
    throw new CommandError(
      exits.unavailable,
      `No server uses the data folder ${data} now.`,
      "Start one in another terminal (portcullis serve DIR), or name one: --url wss://HOST/v1/connector",
    );
  const url = toConnector(found);
  const token = env.PORTCULLIS_TOKEN;
  if (token) return { client: await reach(url, token), url, own: given === undefined, end: async () => {} };
  if (given !== undefined)
    throw new CommandError(
      exits.usage,
      "A server that is named by its URL needs a token.",
      "Put one into PORTCULLIS_TOKEN: portcullis token create chat --subject WHO",
    );
  const state = await withDataFolder(data, () => openKept(invocation, ["identity"]));
  const subject = text(values, "subject") ?? "owner";
  const wanted = { name: `chat-${ulid().slice(-10)}`, subject, expiresAt: Date.now() + tokenMs };
  const made = await createToken(state.tokens, wanted, Date.now());
  const forget = async (): Promise<void> => {
    await state.tokens.revoke(made.record.id, Date.now());
    await state.close();
  };
  try {
    return { client: await reach(url, made.token), url, own: true, end: forget };
  } catch (error) {
    await forget();
    throw error;
  }
}

/** The connector's address of a server that is named by any of its own. */
function toConnector(given: string): string {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (!url || !/^(wss?|https?):$/.test(url.protocol))
    throw new CommandError(exits.usage, `${JSON.stringify(given)} is no URL of a server.`, "wss://HOST/v1/connector");
  url.protocol = url.protocol.replace(/^http/, "ws");
  if (url.protocol === "ws:" && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname))
    throw new CommandError(exits.usage, `${url.host} is not this machine, so it takes wss://.`, `wss://${url.host}`);
  url.pathname = "/v1/connector";
  url.search = "";
  url.hash = "";
  return url.href;
}

async function reach(url: string, token: string): Promise<Client> {
  try {
    return await connect({ url, token, answerMs });
  } catch (error) {
    if (error instanceof RefusedRequest)
      throw new CommandError(exits.noPermission, `${url} refused the token: ${error.message}`, "portcullis token list");
    if (error instanceof ConnectionLost)
      throw new CommandError(exits.unavailable, `${url} cannot be reached: ${error.message}`, "portcullis doctor");
    throw error;
  }
}
