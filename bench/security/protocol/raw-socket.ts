import { connect, type Socket } from "node:net";

/** What a server said on one WebSocket, frame by frame. */
export interface Said {
  readonly opcode: number;
  readonly payload: Buffer;
}

export interface RawSocket {
  readonly socket: Socket;
  /** The status of the handshake. */
  readonly status: number;
  readonly head: string;
  readonly said: readonly Said[];
  /** Resolves with the close code (1006 without a close frame) when the server has ended the connection. */
  readonly ended: Promise<number>;
  write(bytes: Buffer): Promise<void>;
  /** The next text that is sent after `from` frames; undefined when none comes within `ms`, or the connection ends. */
  text(from: number, ms: number): Promise<string | undefined>;
}

export interface Handshake {
  readonly port: number;
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const usual = {
  Host: "127.0.0.1",
  Upgrade: "websocket",
  Connection: "Upgrade",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
};

/** A WebSocket spoken by hand, byte for byte; nothing is answered by itself, pings neither. */
export function dialBytes({
  port,
  method = "GET",
  path = "/v1/connector",
  headers = {},
}: Handshake): Promise<RawSocket> {
  const socket = connect(port, "127.0.0.1");
  const lines = Object.entries({ ...usual, ...headers }).map(([name, value]) => `${name}: ${value}`);
  socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
  const said: Said[] = [];
  let code = 1006;
  const ended = new Promise<number>((resolve) => {
    socket.once("close", () => resolve(code));
  });
  socket.on("error", () => {});
  let rest = Buffer.alloc(0);
  const read = (chunk: Buffer): void => {
    rest = Buffer.concat([rest, chunk]);
    for (let frame = readFrame(rest); frame; frame = readFrame(rest)) {
      rest = rest.subarray(frame.length);
      said.push(frame);
      if (frame.opcode === 8) code = frame.payload.length >= 2 ? frame.payload.readUInt16BE(0) : 1005;
    }
  };
  return new Promise((resolve) => {
    let head = Buffer.alloc(0);
    const answer = (status: number): void =>
      resolve({
        socket,
        status,
        head: head.toString("latin1"),
        said,
        ended,
        write: (bytes) =>
          new Promise((done) => {
            if (socket.destroyed || socket.write(bytes)) return done();
            const go = (): void => {
              socket.off("drain", go).off("close", go);
              done();
            };
            socket.once("drain", go).once("close", go);
          }),
        async text(from, ms) {
          const until = Date.now() + ms;
          for (;;) {
            const found = said.slice(from).find(({ opcode }) => opcode === 1);
            if (found) return found.payload.toString("utf8");
            if (Date.now() > until || socket.destroyed || said.some(({ opcode }) => opcode === 8)) return undefined;
            await new Promise((next) => setTimeout(next, 5));
          }
        },
      });
    const take = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      socket.off("data", take).on("data", read);
      answer(Number(/^HTTP\/1\.1 (\d+)/.exec(head.toString("latin1"))?.[1] ?? 0));
      read(head.subarray(end + 4));
    };
    socket.on("data", take);
    ended.then(() => answer(0));
  });
}

function readFrame(bytes: Buffer): (Said & { readonly length: number }) | undefined {
  if (bytes.length < 2) return undefined;
  const short = (bytes[1] ?? 0) & 127;
  const head = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < head) return undefined;
  const size = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (bytes.length < head + size) return undefined;
  return { opcode: (bytes[0] ?? 0) & 15, payload: bytes.subarray(head, head + size), length: head + size };
}

/** One masked frame; the mask is zero, so that the payload stands as it is. */
export function toFrame(payload: Uint8Array, opcode = 1, final = true): Buffer {
  const size = payload.length;
  const head = Buffer.alloc(size < 126 ? 6 : size < 65_536 ? 8 : 14);
  head[0] = (final ? 0x80 : 0) | opcode;
  head[1] = 0x80 | (size < 126 ? size : size < 65_536 ? 126 : 127);
  if (size >= 65_536) head.writeBigUInt64BE(BigInt(size), 2);
  else if (size >= 126) head.writeUInt16BE(size, 2);
  return Buffer.concat([head, payload]);
}

export async function logIn(raw: RawSocket, token: string): Promise<void> {
  const from = raw.said.length;
  const text = JSON.stringify({ jsonrpc: "2.0", id: "login", method: "auth.exchange", params: { token } });
  await raw.write(toFrame(Buffer.from(text)));
  const answer = await raw.text(from, 20_000);
  if (!answer?.includes('"session"')) throw new Error(`No session: ${answer}`);
}
