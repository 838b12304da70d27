import type { IncomingMessage, Server } from "node:http";
import { createDeflate, constants as zlib } from "node:zlib";
import { type WebSocket, WebSocketServer } from "ws";

interface Session {
  readonly id: string;
  seq: number;
  readonly told: { readonly s: number; readonly t: string; readonly d: unknown }[];
}

export interface FakeGateway {
  /** What came in, by op, oldest first. */
  readonly heard: { readonly op: number; readonly d: unknown }[];
  readonly connections: number;
  readonly live: number;
  /** Settings that a test turns. */
  readonly how: {
    heartbeatMs: number;
    acks: boolean;
    /** Closes each new connection with this code once it identifies. */
    refuses: number | undefined;
    /** Never says hello, or never says ready. */
    silent: "" | "hello" | "ready";
    /** The gateway to resume at, as READY tells. */
    resumeUrl: string | undefined;
    guilds: readonly unknown[];
  };
  /** To all that are connected, and into what can be resumed. */
  dispatch(type: string, data: unknown): void;
  /** Sends a text as it is. */
  raw(text: string | Buffer): void;
  op(op: number, d: unknown): void;
  /** Ends all connections: by a code, or without a word. */
  drop(code?: number): void;
  forget(): void;
  close(): void;
}

/** Discord's gateway, as far as its documentation tells how it acts. */
export function createFakeGateway(
  server: Server,
  options: { readonly token: string; readonly url: () => string },
): FakeGateway {
  const sockets = new WebSocketServer({ noServer: true });
  const sessions = new Map<string, Session>();
  const live = new Map<WebSocket, { session?: Session; send(payload: object): unknown }>();
  const heard: { op: number; d: unknown }[] = [];
  let connections = 0;
  const how: FakeGateway["how"] = {
    ...{ heartbeatMs: 41_250, acks: true, refuses: undefined, silent: "", resumeUrl: undefined, guilds: [] },
  };

  const tell = (socket: WebSocket, session: Session, t: string, d: unknown): void => {
    session.seq += 1;
    session.told.push({ s: session.seq, t, d });
    live.get(socket)?.send({ op: 0, s: session.seq, t, d });
  };
  const hear = (socket: WebSocket, { op, d }: { op: number; d: unknown }): unknown => {
    heard.push({ op, d });
    const entry = live.get(socket);
    if (!entry) return;
    if (op === 1) {
      if (how.acks) entry.send({ op: 11, d: null });
    } else if (op === 2 || op === 6) {
      const { token, session_id: wanted, seq } = d as { token: string; session_id?: string; seq?: number };
      if (token !== options.token) return socket.close(4004, "Authentication failed.");
      if (how.refuses !== undefined) return socket.close(how.refuses, "Refused.");
      if (how.silent === "ready") return;
      if (op === 6) {
        const session = sessions.get(wanted ?? "");
        if (!session) return entry.send({ op: 9, d: false });
        entry.session = session;
        for (const { s, t, d: data } of session.told) if (s > (seq ?? 0)) entry.send({ op: 0, s, t, d: data });
        return tell(socket, session, "RESUMED", {});
      }
      const session: Session = { id: `s${sessions.size + 1}-${connections}`, seq: 0, told: [] };
      sessions.set(session.id, session);
      entry.session = session;
      const user = { id: "1", username: "bot", bot: true };
      tell(socket, session, "READY", {
        ...{ v: 10, user, guilds: [], session_id: session.id, resume_gateway_url: how.resumeUrl ?? options.url() },
        application: { id: "1", flags: 0 },
      });
      for (const guild of how.guilds) tell(socket, session, "GUILD_CREATE", guild);
    }
  };
  const upgrade = (request: IncomingMessage, stream: never, head: Buffer): void => {
    sockets.handleUpgrade(request, stream, head, (socket) => {
      connections += 1;
      const url = new URL(request.url ?? "/", "http://localhost");
      const packed = url.searchParams.get("compress") === "zlib-stream" ? createDeflate() : undefined;
      packed?.on("data", (bytes: Buffer) => socket.send(bytes));
      const send = (payload: object): unknown => {
        const text = JSON.stringify(payload);
        if (!packed) return socket.send(text);
        packed.write(text);
        packed.flush(zlib.Z_SYNC_FLUSH);
      };
      live.set(socket, { send });
      socket.on("close", () => live.delete(socket));
      socket.on("error", () => live.delete(socket));
      socket.on("message", (data) => hear(socket, JSON.parse(String(data))));
      if (how.silent !== "hello") send({ op: 10, d: { heartbeat_interval: how.heartbeatMs } });
    });
  };
  server.on("upgrade", upgrade as never);

  return {
    heard,
    how,
    get connections() {
      return connections;
    },
    get live() {
      return live.size;
    },
    dispatch(type, data) {
      const there = new Set([...live.values()].map(({ session }) => session));
      for (const [socket, { session }] of live) if (session) tell(socket, session, type, data);
      // Who is away can have it when it resumes.
      for (const session of sessions.values()) {
        if (there.has(session)) continue;
        session.seq += 1;
        session.told.push({ s: session.seq, t: type, d: data });
      }
    },
    raw(text) {
      for (const socket of live.keys()) socket.send(text);
    },
    op(op, d) {
      for (const { send } of live.values()) send({ op, d });
    },
    drop(code) {
      for (const socket of live.keys()) {
        if (code === undefined) socket.terminate();
        else socket.close(code);
      }
    },
    forget: () => sessions.clear(),
    close() {
      for (const socket of live.keys()) socket.terminate();
      sockets.close();
    },
  };
}
