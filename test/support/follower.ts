import { expect } from "vitest";
import { type EventReader, readEvents } from "./event-stream.ts";
import { eventually } from "./guests.ts";
import { ask, dialLine, type SocketLine } from "./socket-line.ts";
import type { World } from "./world.ts";

export const soon = 15_000;

/** Whoever follows one topic, on either door. */
export interface Follower {
  readonly events: { readonly seq: number; readonly event: string; readonly data: Told; readonly auditId: string }[];
  readonly missed: { readonly from: number; readonly to: number; readonly reason: string }[];
  readonly ended: { readonly code: string; readonly auditId: string }[];
  readonly subscription: string;
  /** The number before the first event. */
  readonly after: number;
  /** Resolves with how the connection ended. */
  readonly gone: Promise<unknown>;
  leave(): Promise<void>;
}

export interface Told {
  readonly kind: string;
  readonly path: string;
  readonly from?: string;
}

export interface Wanted {
  readonly token: string;
  readonly params?: Readonly<Record<string, string>>;
  readonly topic?: string;
  readonly resume?: { readonly subscription: string; readonly after: number };
}

export async function logIn(world: World, token: string): Promise<SocketLine> {
  const line = await dialLine(Number(new URL(world.listening.http).port));
  line.send(ask(1, "auth.exchange", { token }));
  await line.next();
  return line;
}

/** Subscribes on the WebSocket, or by server-sent events. */
export const followTopic = (world: World, door: string, wanted: Wanted): Promise<Follower> =>
  door === "websocket" ? followBySocket(world, wanted) : followByStream(world, wanted);

async function followBySocket(
  world: World,
  { token, topic = "fs.watch", params = { dir: "." }, resume }: Wanted,
): Promise<Follower> {
  const line = await logIn(world, token);
  line.send(ask(2, "events.subscribe", { topic, params, ...(resume && { resume }) }));
  const answer = await line.next();
  if (!answer.result?.subscription) throw new Error(JSON.stringify(answer));
  const of = (method: string) => line.heard.filter((told) => (told as { method?: string }).method === method);
  const paramsOf = (method: string) => of(method).map((told) => (told as { params: never }).params);
  return {
    subscription: answer.result.subscription,
    after: answer.result.after,
    get events() {
      return paramsOf("events.event");
    },
    get missed() {
      return paramsOf("events.missed");
    },
    get ended() {
      return paramsOf("events.ended");
    },
    gone: line.closed,
    async leave() {
      line.socket.close();
      await line.closed;
    },
  };
}

async function followByStream(
  world: World,
  { token, topic = "fs.watch", params = { dir: "." }, resume }: Wanted,
): Promise<Follower> {
  const query = new URLSearchParams({ topic, ...params });
  const last = resume && `${resume.subscription}:${resume.after}`;
  const stream: EventReader = await readEvents(`${world.listening.http}/v1/events?${query}`, token, last);
  if (stream.status !== 200) throw new Error(`refused with ${stream.status}`);
  await eventually(soon, () => expect(stream.frames.length).toBeGreaterThan(0));
  const [subscription = "", after = ""] = stream.frames[0]?.id?.split(":") ?? [];
  const ours = new Set(["missed", "ended"]);
  return {
    subscription,
    after: Number(after),
    get events() {
      return stream.frames.filter(({ event }) => event !== undefined && !ours.has(event)).map(({ data }) => data);
    },
    get missed() {
      return stream.frames.filter(({ event }) => event === "missed").map(({ data }) => data);
    },
    get ended() {
      return stream.frames.filter(({ event }) => event === "ended").map(({ data }) => data);
    },
    gone: stream.ended,
    async leave() {
      stream.close();
      await stream.ended;
    },
  };
}
