import { readSources } from "../config/read-sources.ts";
import { clientDocumentUrl } from "../transports/http/client-document.ts";
import { logIn } from "../upstream/oauth/log-in.ts";
import { logOut as forget } from "../upstream/oauth/log-out.ts";
import { loginPath, writeLogin } from "../upstream/oauth/login-file.ts";
import { withLoginLock } from "../upstream/oauth/login-lock.ts";
import { type LoginFor, readLoginState } from "../upstream/oauth/login-state.ts";
import { type Invocation, text } from "./command.ts";
import { CommandError, type Exit, exits } from "./exit.ts";
import { print } from "./output.ts";
import { settingsOf } from "./settings-of.ts";
import { inert } from "./terminal-text.ts";

const waits = { default: 300, most: 3_600 };

interface OAuthSource extends LoginFor {
  readonly name: string;
}

/** The sources that Portcullis logs in to. Throws a `CommandError` when the configuration cannot be used. */
export function oauthSources(invocation: Invocation): readonly OAuthSource[] {
  const { sources } = settingsOf({ ...invocation, positionals: [] });
  try {
    return readSources(
      sources.filter((source) => source.kind === "mcp" && source.auth === "oauth"),
      invocation.env,
    ).sources.map((source) => {
      const { name, url = "" } = source;
      const oauth = source.kind === "mcp" ? (source.oauth ?? {}) : {};
      return { name, url, oauth, file: loginPath(invocation.data, name) };
    });
  } catch (error) {
    throw new CommandError(exits.config, (error as Error).message, "docs/upstream.md tells how a source is written.");
  }
}

function find(invocation: Invocation, name: string): OAuthSource {
  const source = oauthSources(invocation).find((one) => one.name === name);
  if (source) return source;
  throw new CommandError(
    exits.no,
    `${inert(name)} is not logged in to.`,
    "Write auth: oauth for it in portcullis.yaml.",
  );
}

/** What there is of a source's login, in words. */
export function tellLogin(source: OAuthSource): { readonly good: boolean; readonly says: string } {
  const state = readLoginState(source);
  if ("needed" in state)
    return { good: false, says: `LOGIN NEEDED, ${inert(state.needed)}: portcullis upstream login ${source.name}` };
  const { since, server } = state.login;
  return { good: true, says: `logged in at ${inert(server.issuer)} since ${since.slice(0, 16).replace("T", " ")}` };
}

/** Logs Portcullis in to an upstream server: the owner does so in a browser, and the tokens stay in the data folder. */
export async function login(invocation: Invocation, name: string): Promise<Exit> {
  const { output, values } = invocation;
  const source = find(invocation, name);
  const { publicUrl } = settingsOf({ ...invocation, positionals: [] });
  const [seconds, port] = [toNumber(values, "wait", waits), toNumber(values, "port", { default: 0, most: 65_535 })];
  const made = await logIn({
    ...{ url: source.url, oauth: source.oauth, document: clientDocumentUrl(publicUrl), port, waitMs: seconds * 1_000 },
    show: (address) =>
      print(
        output,
        { event: "open", url: address },
        `Open this in a browser on this machine, and let Portcullis in:\n\n${inert(address)}\n`,
      ),
  }).catch((error: Error) => {
    throw new CommandError(
      exits.unavailable,
      `Nobody was logged in to ${source.name}: ${inert(error.message)}`,
      `portcullis upstream login ${source.name}`,
    );
  });
  await withLoginLock(source.file, async () => writeLogin(source.file, made));
  const { issuer } = made.server;
  const { scope = null, refresh } = made.tokens ?? {};
  const renewed =
    refresh === undefined ? " It gave nothing to renew the login with: this is asked again when it ends." : "";
  print(
    output,
    { event: "logged-in", name: source.name, issuer, scope, renewable: refresh !== undefined },
    `Portcullis is logged in to ${source.name} at ${inert(issuer)}.${renewed} A running server goes on within seconds.`,
  );
  return exits.ok;
}

export async function logout(invocation: Invocation, name: string): Promise<Exit> {
  const source = find(invocation, name);
  const { was, revoked, why } = await forget(source.file, source.oauth);
  const says = !was
    ? `Portcullis was not logged in to ${source.name}.`
    : revoked
      ? `The login at ${source.name} is taken back and forgotten.`
      : `The login at ${source.name} is forgotten here, but was not taken back there: ${inert(why ?? "")}`;
  print(invocation.output, { name: source.name, was, revoked, ...(why !== undefined && { why }) }, says);
  return was && !revoked ? exits.incomplete : exits.ok;
}

function toNumber(values: Invocation["values"], name: string, bounds: { default: number; most: number }): number {
  const given = text(values, name);
  if (given === undefined) return bounds.default;
  const number = Number(given);
  if (/^\d{1,6}$/.test(given) && number > 0 && number <= bounds.most) return number;
  throw new CommandError(exits.usage, `--${name} is a number from 1 to ${bounds.most}.`, "portcullis upstream --help");
}
