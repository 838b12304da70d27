import { connect, isIP, type Socket } from "node:net";
import { connect as secure, type TLSSocket } from "node:tls";
import type { buildConnector } from "undici";
import { isSameAddress } from "./classify-address.ts";
import type { Found } from "./find-addresses.ts";
import { toHost, toPort } from "./parse-url.ts";
import { type Hop, refuse } from "./refusal.ts";

/** Opens a TCP connection to an IP address. */
export type Dial = (address: string, port: number) => Socket;

export interface Pin extends Found {
  readonly hop: Hop;
  readonly signal: AbortSignal;
  /** The most bytes to take off the wire: what a body's own count does not see, such as chunk extensions, ends here too. */
  readonly wireBytes: number;
  /** Time for each of the TCP and the TLS handshake, in milliseconds. */
  readonly connectMs: number;
  readonly dial: Dial;
  /** Certificates to trust instead of the system's, in PEM. */
  readonly ca?: string;
}

const triedAddresses = 4;

export const dialDirectly: Dial = (address, port) =>
  connect({ host: address, port, family: isIP(address), autoSelectFamily: false, noDelay: true });

/**
 * A connector that knows only the addresses that were judged: no name is resolved here. The socket's own word on its peer is judged once more
 * before the first byte, TLS's included, is sent. `dialled` is told of the TCP connection as soon as that is so.
 */
export function createPinnedConnector(pin: Pin, dialled: (socket: Socket) => void): buildConnector.connector {
  return (_options, callback) => {
    open(pin, dialled).then(
      (socket) => callback(null, socket),
      (error) => callback(error instanceof Error ? error : new Error(String(error)), null),
    );
  };
}

async function open(pin: Pin, dialled: (socket: Socket) => void): Promise<Socket | TLSSocket> {
  const { url } = pin.hop;
  const socket = await dialFirst(pin);
  dialled(socket);
  if (url.protocol !== "https:") return socket;
  const host = toHost(url);
  const encrypted = secure({
    socket,
    host,
    ...(isIP(host) === 0 && { servername: host }),
    ALPNProtocols: ["http/1.1"],
    minVersion: "TLSv1.2",
    rejectUnauthorized: true, // said outright, so that no environment variable can switch it off
    ...(pin.ca !== undefined && { ca: pin.ca }),
  });
  await opened(encrypted, "secureConnect", pin);
  return encrypted;
}

async function dialFirst(pin: Pin): Promise<Socket> {
  let failure: unknown;
  for (const address of pin.addresses.slice(0, triedAddresses)) {
    const socket = pin.dial(address, toPort(pin.hop.url));
    try {
      await opened(socket, "connect", pin);
    } catch (error) {
      if (pin.signal.aborted) throw error;
      failure = error;
      continue;
    }
    const peer = socket.remoteAddress;
    if (peer !== undefined && isSameAddress(peer, address) && pin.permits(peer)) return socket;
    socket.destroy();
    throw refuse(
      "PERMISSION_DENIED",
      `The connection to ${pin.hop.url.host} did not lead to the address that was checked.`,
      {
        hop: pin.hop,
        reason: "peer",
        next: "Use another source, and tell the user.",
      },
    );
  }
  throw failure;
}

/** Waits for the socket's event; destroys the socket when it does not come in time, or nobody waits any longer. */
async function opened(socket: Socket, event: "connect" | "secureConnect", pin: Pin): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const stop = (): void => reject(pin.signal.reason);
  const late = (): void => {
    const message = `${pin.hop.url.host} took no connection within ${pin.connectMs} ms.`;
    reject(refuse("TIMEOUT", message, { hop: pin.hop, reason: "connect_timeout", next: "Try again later." }));
  };
  const broken = (): void => reject(Object.assign(new Error("The connection was closed."), { code: "ECONNRESET" }));
  const timer = setTimeout(late, pin.connectMs);
  pin.signal.addEventListener("abort", stop, { once: true });
  socket.once(event, resolve).once("error", reject).once("close", broken);
  try {
    pin.signal.throwIfAborted();
    await promise;
  } catch (error) {
    socket.on("error", () => {}); // a destroyed socket may still fail; nobody is left to hear it
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    pin.signal.removeEventListener("abort", stop);
    socket.off(event, resolve).off("error", reject).off("close", broken);
  }
}
