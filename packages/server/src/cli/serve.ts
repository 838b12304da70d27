import type { Settings } from "../config/settings.ts";
import { createOwnerToken } from "../identity/tokens.ts";
import { acquireDataFolder } from "../stores/data-folder.ts";
import { EngineAway } from "../stores/engine.ts";
import { DuplicateName } from "../stores/store.ts";
import { checkBind } from "../transports/http/check-bind.ts";
import { createHttpDoor, type HttpDoor } from "../transports/http/http-door.ts";
import { createMcpHttp } from "../transports/mcp/http.ts";
import { createMcpSse } from "../transports/mcp/sse.ts";
import { version } from "../version.ts";
import type { Command, Invocation } from "./command.ts";
import { CommandError, type Exit, exits } from "./exit.ts";
import { openOAuth } from "./open-oauth.ts";
import { createLog, type OpenServer, openServer } from "./open-server.ts";
import type { Output } from "./output.ts";
import { rememberServed, settingsOf } from "./settings-of.ts";
import { withDataFolder } from "./with-data-folder.ts";

/** How long calls that run may go on once the server is told to stop, in ms. */
const graceMs = 5_000;

export const serve: Command = {
  usage: "DIR… [--port 8088] [--data DIR]",
  summary: "Serve folders to AI clients on every door",
  options: {
    port: { type: "string", help: "port to listen on; 0 takes a free one" },
    host: { type: "string", help: "address to listen on (default 127.0.0.1)" },
    profile: { type: "string", help: "which tools MCP clients see: full or chatgpt" },
    "public-url": { type: "string", help: "the URL that clients reach the server by" },
  },
  async run(invocation) {
    const settings = settingsOf(invocation);
    const refused = checkBind(settings);
    if (refused) throw new CommandError(exits.config, refused);
    const stopped = untilStopped();
    const lock = await withDataFolder(invocation.data, () => acquireDataFolder(invocation.data));
    try {
      return await serveUntil(stopped, { invocation, settings, announce: (url) => lock.announce(url) });
    } finally {
      lock.release();
    }
  },
};

interface Serving {
  readonly invocation: Invocation;
  readonly settings: Settings;
  announce(url: string): void;
}

async function serveUntil(stopped: Promise<void>, { invocation, settings, announce }: Serving): Promise<Exit> {
  let door: HttpDoor | undefined;
  // A person sees what goes wrong; whoever collects the log gets everything.
  const log = createLog(invocation.output.json ? "info" : "warn");
  const server = await openServer(invocation, { settings, log, url: () => door?.url() ?? "" });
  if (server.folders.length === 0) {
    await server.stop(0);
    throw new CommandError(
      exits.usage,
      "No folder is named, so there is nothing to serve.",
      "portcullis serve ~/notes",
    );
  }
  const { corridor } = server;
  const { challenge, handle: logins } = await openOAuth(server);
  const mcp = { corridor, profile: settings.profile, now: () => performance.now(), ...(challenge && { challenge }) };
  const [streamable, sse] = [createMcpHttp(mcp), createMcpSse(mcp)];
  door = createHttpDoor({ ...settings, corridor, mcp: streamable.handle, sse: sse.handle, ...(logins && { logins }) });
  try {
    await door.listen();
  } catch (error) {
    await server.stop(0);
    throw toListenError(error, settings);
  }
  // Sessions are of connections, and those have ended with the server that had them.
  if (!server.sharesSessions) await server.parts.sessions.sweep(Number.MAX_SAFE_INTEGER);
  announce(door.url());
  rememberServed(invocation.data, server.folders);
  await server.start();
  const ownerToken = await makeOwnerToken(server);
  tell(invocation.output, { server, url: door.url(), ownerToken, data: invocation.data });
  void showProgress(invocation.output, server);

  await stopped;
  await Promise.all([streamable.close(), sse.close(), door.close(graceMs)]);
  await server.stop(graceMs);
  return exits.ok;
}

/** A replica that cannot reach the tokens of all starts nevertheless, and makes none. */
async function makeOwnerToken({ tokens }: OpenServer): Promise<string | undefined> {
  try {
    return await createOwnerToken(tokens, Date.now());
  } catch (error) {
    if (error instanceof EngineAway || error instanceof DuplicateName) return undefined;
    throw error;
  }
}

/** Resolves at the first signal to stop; a second one ends the process at once. */
const untilStopped = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => resolve());
  });

function toListenError(error: unknown, { host, port }: Settings): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "EADDRINUSE") {
    return new CommandError(
      exits.unavailable,
      `Port ${port} on ${host} is in use by another program.`,
      `Choose another one: --port ${port + 1}, or PORT=${port + 1}.`,
    );
  }
  if (code === "EACCES")
    return new CommandError(
      exits.noPermission,
      `Port ${port} may not be opened by this user.`,
      "Choose a port above 1023.",
    );
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND")
    return new CommandError(
      exits.config,
      `${host} is no address of this machine.`,
      "Leave --host out to listen on loopback.",
    );
  return error;
}

interface Ready {
  readonly server: OpenServer;
  readonly url: string;
  readonly ownerToken: string | undefined;
  readonly data: string;
}

function tell(output: Output, { server, url, ownerToken, data }: Ready): void {
  const doors = {
    http: url,
    mcp: `${url}/mcp`,
    sse: `${url}/sse/`,
    websocket: `${url.replace(/^http/, "ws")}/v1/connector`,
  };
  if (output.json) {
    output.out(JSON.stringify({ event: "listening", ...doors, ...(ownerToken && { ownerToken }) }));
    return;
  }
  const faults = server.policy.faults().length;
  output.out(
    [
      `Portcullis ${version}`,
      ...server.folders.map(({ name, path }) => `  serving    ${name}  (${path})`),
      `  MCP        ${doors.mcp}   (older clients: ${doors.sse})`,
      `  WebSocket  ${doors.websocket}`,
      `  HTTP       ${doors.http}`,
      `  data       ${data}${faults > 0 ? `   \u2717 the policies have ${faults} faults: portcullis policy check` : ""}`,
      ...(ownerToken ? ["", `  owner's token, shown this once:  ${ownerToken}`] : []),
      "",
    ].join("\n"),
  );
}

/** Draws how far the first indexing is, where a person watches, and tells what came of it. */
async function showProgress(output: Output, { indexer, index, folders }: OpenServer): Promise<void> {
  if (output.json) return;
  let settled = false;
  const done = indexer.settled().then(() => {
    settled = true;
  });
  while (output.terminal && !settled) {
    const { done: read, total, ratePerSecond, secondsLeft } = indexer.progress();
    const left = secondsLeft === undefined ? "" : `, ${Math.ceil(secondsLeft)} s left`;
    process.stderr.write(
      `\r\u001b[K  indexing   ${read} of ${total} files, ${Math.round(ratePerSecond)} a second${left}`,
    );
    await Promise.race([done, new Promise((resolve) => setTimeout(resolve, 200).unref())]);
  }
  await done;
  const files = (await Promise.all(folders.map(({ path }) => index.files(path)))).flatMap((known) => [
    ...known.values(),
  ]);
  const skipped = files.filter(({ reason }) => reason !== undefined).length;
  if (output.terminal) process.stderr.write("\r\u001b[K");
  output.err(
    `  indexed    ${files.length - skipped} documents${skipped > 0 ? `, ${skipped} skipped` : ""}; changes are followed`,
  );
}
