import { createSocket, type Socket } from "node:dgram";
import { isIPv4 } from "node:net";

/** What a name leads to: fixed addresses, or another set once it has been asked for `flipAfter` times (rebinding). */
export interface Zone {
  readonly A?: readonly string[];
  readonly AAAA?: readonly string[];
  readonly seq?: readonly Zone[];
  readonly flipAfter?: number;
}

export interface DnsServer {
  /** Names that no zone knows lead here. */
  fallback: readonly string[];
  /** Forgets how often each name was asked for. */
  forget(): void;
  close(): void;
}

const types = { A: 1, AAAA: 28 } as const;

/** Just enough of RFC 1035 for a system's resolver: A and AAAA over UDP, no caching. */
export async function startDnsServer(address: string, zones: ReadonlyMap<string, Zone>): Promise<DnsServer> {
  const asked = new Map<string, number>();
  const socket: Socket = createSocket("udp4");
  const server: DnsServer = {
    fallback: ["127.0.0.1"],
    forget: () => asked.clear(),
    close: () => socket.close(),
  };

  const find = (name: string, type: "A" | "AAAA"): readonly string[] => {
    const zone = zones.get(name);
    if (!zone) return server.fallback.filter((each) => isIPv4(each) === (type === "A"));
    if (!zone.seq) return zone[type] ?? [];
    const count = asked.get(name) ?? 0;
    asked.set(name, count + 1);
    // A resolver asks for both types at once: two questions are one lookup.
    const at = Math.floor(count / 2) < (zone.flipAfter ?? 1) ? 0 : 1;
    return zone.seq[Math.min(at, zone.seq.length - 1)]?.[type] ?? [];
  };

  socket.on("message", (query, { port, address: peer }) => {
    const labels: string[] = [];
    let at = 12;
    while (at < query.length && query[at] !== 0) {
      const length = query[at] ?? 0;
      labels.push(query.subarray(at + 1, at + 1 + length).toString("latin1"));
      at += length + 1;
    }
    const end = at + 5;
    const type = query.readUInt16BE(at + 1);
    const name = labels.join(".").toLowerCase();
    const found = type === types.A ? find(name, "A") : type === types.AAAA ? find(name, "AAAA") : [];
    const head = Buffer.from(query.subarray(0, 12));
    head.writeUInt16BE(0x8180, 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(found.length, 6);
    head.writeUInt32BE(0, 8);
    socket.send(Buffer.concat([head, query.subarray(12, end), ...found.map((each) => toRecord(each))]), port, peer);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(53, address, resolve);
  });
  return server;
}

function toRecord(address: string): Buffer {
  const data = isIPv4(address) ? Buffer.from(address.split(".").map(Number)) : toBytes(address);
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(isIPv4(address) ? types.A : types.AAAA, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function toBytes(address: string): Buffer {
  const [left = "", right] = address.split("::");
  const words = (text: string): string[] => text.split(":").filter(Boolean);
  const [first, last] = [words(left), words(right ?? "")];
  const all = right === undefined ? first : [...first, ...Array(8 - first.length - last.length).fill("0"), ...last];
  return Buffer.from(all.flatMap((word) => [Number.parseInt(word, 16) >> 8, Number.parseInt(word, 16) & 255]));
}
