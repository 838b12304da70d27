// Holds many sockets open and does no more than answer pings. Arguments: port, how many, token. Tells its parent when all are open, and how many still
// are when it is told to leave.
import type { Socket } from "node:net";
import { dialBytes, logIn, toFrame } from "./raw-socket.ts";

const [port, count, token] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4] ?? ""];
const open = new Set<Socket>();
const pong = toFrame(Buffer.alloc(0), 10);

async function hold(): Promise<void> {
  const raw = await dialBytes({ port });
  if (raw.status !== 101) throw new Error(`The handshake was answered ${raw.status}.`);
  if (token) await logIn(raw, token);
  const { socket } = raw;
  open.add(socket);
  socket.removeAllListeners("data");
  socket.on("data", (bytes: Buffer) => {
    if (bytes[0] === 0x89) socket.write(pong);
  });
  socket.once("close", () => open.delete(socket));
  // For a ping that has come while nobody answered them yet.
  socket.write(pong);
}

let left = count;
const worker = async (): Promise<void> => {
  while (left-- > 0) await hold();
};
await Promise.all(Array.from({ length: 32 }, worker));
process.send?.(open.size);
process.once("message", () => process.send?.(open.size, () => process.exit(0)));
