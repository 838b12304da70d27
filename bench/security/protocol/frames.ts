import { table } from "../../measure.ts";
import { dialBytes, logIn, type RawSocket, toFrame } from "./raw-socket.ts";
import type { PortcullisTarget } from "./target.ts";
import { rssOf, startBarePeer, type Target } from "./target.ts";

export interface FrameCase {
  readonly id: string;
  readonly name: string;
  readonly expect: string;
  readonly frames?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** What came of one case, in words, and whether it was right. */
interface Came {
  readonly right: boolean;
  readonly what: string;
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const mebibyte = 2 ** 20;

/** Frames and handshakes of the corpus, on Portcullis and on bare `ws`. */
export async function tryFrames(cases: readonly FrameCase[], target: PortcullisTarget): Promise<readonly string[]> {
  const bare = await startBarePeer();
  const failures: string[] = [];
  const scores = { ours: 0, bare: 0 };
  const run = async (each: FrameCase, server: Target): Promise<Came> =>
    each.frames ? sendFrames(each, server) : shakeHands(each, server, target);
  // Most wait for a heartbeat or for nothing at all: they do so together.
  await Promise.all(
    cases.map(async (each) => {
      const [ours, theirs] = await Promise.all([run(each, target), run(each, bare)]);
      scores.ours += Number(ours.right);
      scores.bare += Number(theirs.right);
      if (!ours.right) failures.push(`FAILED ${each.id} ${each.name}: ${each.expect} was expected, ${ours.what}`);
    }),
  );
  const crashed = [target, bare].map((server) => Number(!server.alive()));
  await bare.close();
  if (crashed[0]) failures.push("FAILED: the server crashed.");
  return [
    table([
      ["", "cases", "as expected", "crashes"],
      ["Portcullis", `${cases.length}`, `${scores.ours}`, `${crashed[0]}`],
      ["bare ws", `${cases.length}`, `${scores.bare}`, `${crashed[1]}`],
    ]),
    ...failures,
  ];
}

const toOurs = (frames: readonly string[]): readonly Buffer[] => frames.map((hex) => Buffer.from(hex, "hex"));

async function sendFrames({ name, expect, frames = [] }: FrameCase, server: Target): Promise<Came> {
  const headers = /extension/.test(expect) ? { "Sec-WebSocket-Extensions": "permessage-deflate" } : {};
  const raw = await dialBytes({ port: server.port, headers });
  if (raw.status !== 101) return { right: false, what: `the handshake was answered ${raw.status}` };
  if (server.token !== undefined) await logIn(raw, server.token);
  const from = raw.said.length;
  const wanted = Number(/^\d{4}$/.exec(expect)?.[0]);
  try {
    if (/missed pings/.test(expect)) return await endsInTime(raw, 60_000);
    if (/extension/.test(expect)) return { right: !/extensions/i.test(raw.head), what: "the extension was taken" };
    if (/outbound queue/.test(expect)) {
      raw.socket.pause();
      await flood(raw, toOurs(frames), 20_000);
      return await endsInTime(raw, 60_000);
    }
    if (/pong queue/.test(expect)) return await floodPings(raw, toOurs(frames), server);
    if (/bounded memory/.test(expect)) return await endsOrStaysSmall(raw, toOurs(frames), server);
    for (const frame of toOurs(frames)) {
      raw.socket.setNoDelay(true);
      await raw.write(frame);
      if (/one byte/.test(name)) await wait(2);
    }
    if (wanted > 0) return await endsWith(raw, [wanted]);
    // A close frame is answered with its own code.
    if (/ok-or-1002/.test(expect)) return await endsWith(raw, [1002, "alive", "closed"]);
    if (/1003 or error/.test(expect)) return await endsWith(raw, [1003, "error"], from);
    return await endsWith(raw, ["alive"]);
  } finally {
    raw.socket.destroy();
  }
}

/** What a connection comes to: a close code, an error that is told, or life: a ping that is answered. */
async function endsWith(
  raw: RawSocket,
  right: readonly (number | "alive" | "error" | "closed")[],
  from = raw.said.length,
): Promise<Came> {
  const code = await Promise.race([raw.ended, waitForClose(raw)]);
  if (code !== undefined) {
    const orderly = right.includes("closed") && code !== 1006;
    return { right: orderly || right.includes(code), what: `it was closed with ${code}` };
  }
  if (right.includes("error") && raw.said.slice(from).some(({ payload }) => payload.includes('"error"')))
    return { right: true, what: "an error was told" };
  await raw.write(toFrame(Buffer.from("mark"), 9));
  for (let tries = 0; tries < 400; tries++) {
    if (raw.said.some(({ opcode, payload }) => opcode === 10 && payload.toString() === "mark"))
      return { right: right.includes("alive"), what: "it lives on" };
    await wait(10);
  }
  return { right: false, what: "it says nothing any more" };
}

async function waitForClose(raw: RawSocket): Promise<number | undefined> {
  for (let tries = 0; tries < 50; tries++) {
    const close = raw.said.find(({ opcode }) => opcode === 8);
    if (close) return close.payload.length >= 2 ? close.payload.readUInt16BE(0) : 1005;
    await wait(20);
  }
  return undefined;
}

async function endsInTime(raw: RawSocket, ms: number): Promise<Came> {
  const started = Date.now();
  // A paused socket hears of no end.
  const probe = setInterval(() => raw.socket.write(toFrame(Buffer.from("x"), 9)), 500);
  const ended = await Promise.race([raw.ended.then(() => true), wait(ms).then(() => false)]);
  clearInterval(probe);
  return { right: ended, what: ended ? `closed after ${Date.now() - started} ms` : `open after ${ms} ms` };
}

/** Sends the frames again and again for a while. */
async function flood(raw: RawSocket, frames: readonly Buffer[], ms: number, most = 256 * mebibyte): Promise<void> {
  const until = Date.now() + ms;
  const all = Buffer.concat(frames);
  for (let sent = 0; Date.now() < until && !raw.socket.destroyed && sent < most; sent += all.length)
    await Promise.race([raw.write(all), wait(Math.max(0, until - Date.now()))]);
}

async function floodPings(raw: RawSocket, frames: readonly Buffer[], server: Target): Promise<Came> {
  const before = rssOf(server.pid);
  let most = before;
  const watch = setInterval(() => {
    if (server.alive()) most = Math.max(most, rssOf(server.pid));
  }, 50);
  const largest = toFrame(Buffer.alloc(125, "x"), 9);
  raw.socket.pause();
  await flood(raw, [...frames, ...Array.from({ length: 10_000 }, () => largest)], 10_000);
  clearInterval(watch);
  const grown = (most - before) / mebibyte;
  return { right: server.alive() && grown < 64, what: `the server's memory grew by ${Math.round(grown)} MiB` };
}

async function endsOrStaysSmall(raw: RawSocket, frames: readonly Buffer[], server: Target): Promise<Came> {
  const before = rssOf(server.pid);
  const [first, ...rest] = frames;
  if (first) await raw.write(first);
  const again = rest.slice(0, 1_000);
  for (let count = 0; count < 1_000_000 && !raw.socket.destroyed && again.length > 0; count += again.length) {
    await raw.write(Buffer.concat(again));
    if (raw.said.some(({ opcode }) => opcode === 8)) break;
  }
  const code = await waitForClose(raw);
  const grown = Math.round((rssOf(server.pid) - before) / mebibyte);
  return { right: code === 1008 || code === 1009, what: `closed with ${code}, ${grown} MiB more` };
}

async function shakeHands({ name, headers = {} }: FrameCase, server: Target, target: PortcullisTarget): Promise<Came> {
  const { _method: method, _path: path, _note: note, ...rest } = headers;
  if (note !== undefined) return server === target ? endsLogin(note, target) : { right: false, what: "has no logins" };
  const odd = Object.keys(rest).find((key) => key.startsWith("_"));
  if (odd) return { right: false, what: `the benchmark does not know ${odd} of ${name}` };
  const raw = await dialBytes({
    port: server.port,
    ...(method && { method }),
    ...(path && { path }),
    headers: rest,
  });
  raw.socket.destroy();
  return { right: raw.status !== 101, what: `the handshake was answered ${raw.status}` };
}

/** A login that ends while its connection is open. */
async function endsLogin(note: string, { port, world }: PortcullisTarget): Promise<Came> {
  const name = `t-${note}-${Date.now()}`;
  const expires = new Date(Date.now() + 6_000).toISOString();
  const more = note === "expire" ? ["--expires", expires] : [];
  const made = await world.run("token", "create", name, "--subject", "bench", "--json", ...more);
  const { token } = JSON.parse(made.stdout) as { token: string };
  const raw = await dialBytes({ port });
  await logIn(raw, token);
  if (note === "revoke") await world.run("token", "revoke", name);
  const code = await Promise.race([raw.ended, wait(20_000).then(() => 0)]);
  raw.socket.destroy();
  return { right: code === 4401, what: code === 0 ? "it lives on" : `it was closed with ${code}` };
}
