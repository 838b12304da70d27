import type { Socket } from "node:net";
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from "node:zlib";

/** What a hostile server does once a request has come. */
type Behaviour = (socket: Socket) => void;

const head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n";
const mebibyte = Buffer.alloc(2 ** 20, "a");

/** Sends a chunk as often as the peer takes it. */
const floodWith =
  (start: string | Buffer, chunk: string | Buffer): Behaviour =>
  (socket) => {
    socket.write(start);
    const pour = (): void => {
      for (let round = 0; round < 16 && !socket.destroyed; round++) if (!socket.write(chunk)) break;
      if (!socket.destroyed) socket.once("drain", pour);
    };
    pour();
  };

/** Sends one piece every `ms`. */
const tricklesWith =
  (start: string, piece: string, ms = 200): Behaviour =>
  (socket) => {
    socket.write(start);
    const timer = setInterval(() => socket.write(piece), ms);
    socket.once("close", () => clearInterval(timer));
  };

const sends =
  (...parts: readonly (string | Buffer)[]): Behaviour =>
  (socket) => {
    for (const part of parts) socket.write(part);
    socket.end();
  };

/** A gigabyte of nothing, packed; made once, when it is first asked for. */
function bombOf(pack: (bytes: Buffer) => Buffer): () => Buffer {
  let made: Buffer | undefined;
  return () => {
    made ??= pack(Buffer.alloc(2 ** 28));
    return made;
  };
}
const bombs = {
  gzip: bombOf((bytes) => gzipSync(bytes)),
  br: bombOf((bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } })),
  deflate: bombOf((bytes) => deflateSync(bytes)),
  raw: bombOf((bytes) => deflateRawSync(bytes)),
};

const sendsPacked =
  (encoding: string, bomb: () => Buffer): Behaviour =>
  (socket) =>
    sends(`${head}content-encoding: ${encoding}\r\ncontent-length: ${bomb().length}\r\n\r\n`, bomb())(socket);

const chunked = `${head}transfer-encoding: chunked\r\n\r\n`;
const chunk = `100000\r\n${mebibyte.toString("latin1")}\r\n`;

/** By the corpus's names, where it has them, and more. `tls` ones get their handshake from whoever listens. */
export const behaviours: Readonly<Record<string, Behaviour>> = {
  "never-answers": () => {},
  "slow-headers-1B/s": tricklesWith("HTTP/1.1 200 OK\r\nx: ", "a", 1_000),
  "slow-body-1B/s": tricklesWith(`${head}content-length: 100000\r\n\r\n`, "a", 1_000),
  "slow-chunks": tricklesWith(chunked, "1\r\na\r\n", 500),
  "slow-status-line": tricklesWith("HTTP/1.1 2", "0", 1_000),
  "infinite-chunked": floodWith(chunked, chunk),
  "infinite-body": floodWith(`${head}\r\n`, mebibyte),
  "infinite-headers": floodWith(head, `x-${"y".repeat(30)}: ${"z".repeat(1_000)}\r\n`),
  "infinite-header-value": floodWith(`${head}x: `, mebibyte),
  "infinite-status-line": floodWith("HTTP/1.1 200 ", mebibyte),
  "infinite-trailers": floodWith(`${chunked}0\r\n`, `x: ${"z".repeat(1_000)}\r\n`),
  "infinite-chunk-extension": floodWith(`${chunked}1;`, mebibyte),
  "many-small-headers": sends(head, "a: b\r\n".repeat(20_000), "\r\nx"),
  "content-length-huge": tricklesWith(`${head}content-length: 99999999999\r\n\r\n`, "a"),
  "content-length-too-long": sends(`${head}content-length: 100\r\n\r\nabc`),
  "content-length-too-short": sends(`${head}content-length: 3\r\n\r\n`, mebibyte),
  "content-length-negative": sends(`${head}content-length: -5\r\n\r\nabc`),
  "content-length-twice": sends(`${head}content-length: 3\r\ncontent-length: 5\r\n\r\nabcde`),
  "length-and-chunked": sends(`${head}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n`),
  "bad-chunk-size": sends(`${chunked}zz\r\nabc\r\n0\r\n\r\n`),
  "huge-chunk-size": tricklesWith(`${chunked}ffffffffffffffff\r\n`, "a"),
  "no-status-line": sends("content-type: text/plain\r\n\r\nabc"),
  http09: sends("<html>no head at all</html>"),
  "binary-garbage": sends(Buffer.from(Array.from({ length: 4_096 }, (_, at) => (at * 37) & 255))),
  "1xx-flood": floodWith("", "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".repeat(100)),
  "101-upgrade": sends("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nabc"),
  "redirect-with-1GiB-body": floodWith(
    "HTTP/1.1 302 Found\r\nlocation: http://93.184.215.14:8080/x\r\ncontent-length: 1073741824\r\n\r\n",
    mebibyte,
  ),
  "redirect-loop": sends("HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n"),
  "redirect-long-location": sends(
    `HTTP/1.1 302 Found\r\nlocation: /${"a".repeat(12_000)}\r\ncontent-length: 0\r\n\r\n`,
  ),
  "sse-endless": tricklesWith("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n", "data: x\n\n", 100),
  "trailer-injection": sends(`${chunked}3\r\nabc\r\n0\r\ncontent-length: 5\r\nset-cookie: a=b\r\n\r\n`),
  "header-injection": sends("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nx: a\rset-cookie: b\r\n\r\nabc"),
  "connection-reset-mid-body": (socket) => {
    socket.write(`${head}content-length: 1000\r\n\r\nabc`);
    setTimeout(() => socket.resetAndDestroy(), 100);
  },
  "connection-reset-at-once": (socket) => socket.resetAndDestroy(),
  "closes-at-once": (socket) => socket.destroy(),
  "second-answer": sends(`${head}content-length: 3\r\n\r\nabc`, `${head}content-length: 4\r\n\r\nevil`),
  "gzip-bomb": sendsPacked("gzip", bombs.gzip),
  "brotli-bomb": sendsPacked("br", bombs.br),
  "deflate-bomb": sendsPacked("deflate", bombs.deflate),
  "deflate-raw-bomb": sendsPacked("deflate", bombs.raw),
  "deflate-bomb-nested": (socket) => sendsPacked("deflate, deflate", () => deflateSync(bombs.deflate()))(socket),
  "gzip-bomb-nested": (socket) => sendsPacked("gzip, gzip", () => gzipSync(bombs.gzip()))(socket),
  "gzip-endless-members": floodWith(`${head}content-encoding: gzip\r\n\r\n`, gzipSync(Buffer.alloc(0))),
  "gzip-cut-off": sends(`${head}content-encoding: gzip\r\n\r\n`, gzipSync(mebibyte).subarray(0, 500)),
  "unknown-encoding": sends(`${head}content-encoding: zstd\r\n\r\nabc`),
  "tls-expired": sends(`${head}content-length: 3\r\n\r\nabc`),
  "tls-wrong-host": sends(`${head}content-length: 3\r\n\r\nabc`),
  "tls-self-signed": sends(`${head}content-length: 3\r\n\r\nabc`),
  "tls-never-shakes-hands": () => {},
  "tls-garbage": sends("\u0015\u0003\u0001garbage instead of a handshake"),
};

/** Other names of the same, as a corpus may call them. */
export function findBehaviour(name: string): string | undefined {
  if (name in behaviours) return name;
  const plain = name.toLowerCase();
  return aliases.find(([pattern]) => pattern.test(plain))?.[1];
}

const aliases: readonly (readonly [RegExp, string])[] = [
  [/tls.*(expired)/, "tls-expired"],
  [/tls.*(wrong|mismatch|host)/, "tls-wrong-host"],
  [/tls.*self/, "tls-self-signed"],
  [/tls.*(hang|slow|never|stall)/, "tls-never-shakes-hands"],
  [/(gzip|zip).*(nested|twice|double)/, "gzip-bomb-nested"],
  [/(br|brotli).*bomb|bomb.*(br|brotli)/, "brotli-bomb"],
  [/gzip.*bomb|bomb.*gzip/, "gzip-bomb"],
  [/deflate.*bomb/, "deflate-bomb"],
  [/gzip.*(trunc|cut|corrupt|bad)/, "gzip-cut-off"],
  [/(unknown|bad|unsupported).*encoding|zstd/, "unknown-encoding"],
  [/slow.*body/, "slow-body-1B/s"],
  [/slow.*chunk/, "slow-chunks"],
  [/slow.*(header|loris)/, "slow-headers-1B/s"],
  [/(infinite|endless).*trailer/, "infinite-trailers"],
  [/(infinite|endless).*body/, "infinite-body"],
  [/(huge|long|large|big|giant).*header|header.*(huge|long|large|bomb)/, "infinite-header-value"],
  [/(many|flood|10k|100k|1m).*header/, "many-small-headers"],
  [/chunk.*ext/, "infinite-chunk-extension"],
  [/(huge|overflow).*chunk|chunk.*overflow/, "huge-chunk-size"],
  [/(cl|content-length).*(te|transfer|chunked)|te[-.]cl|smuggl/, "length-and-chunked"],
  [/(content-length|cl)[-_]?.*(negative)|negative/, "content-length-negative"],
  [
    /(two|dup|double|multiple|twice).*(content-length|cl)|(content-length|cl).*(dup|twice|mismatch)/,
    "content-length-twice",
  ],
  [/(content-length|cl).*(short|less|under)/, "content-length-too-short"],
  [/(content-length|cl).*(huge|1tib|terabyte|big|max|overflow)/, "content-length-huge"],
  [/(content-length|cl).*(long|more|lie|over)/, "content-length-too-long"],
  [/redirect.*(loop|self)/, "redirect-loop"],
  [/redirect.*(long|huge)/, "redirect-long-location"],
  [/(header|crlf|response).*(inject|split)/, "header-injection"],
  [/(never|no).*(answer|respond|response|reply)|accept.*(hang|hold|silent)|hang|black.?hole|tarpit/, "never-answers"],
  [/(immediate|instant).*(close|reset)|close.*(immediate|accept)/, "closes-at-once"],
  [/reset/, "connection-reset-at-once"],
  [/garbage|binary|random/, "binary-garbage"],
  [/101|upgrade/, "101-upgrade"],
  [/pipelin|extra.*(response|bytes)|second/, "second-answer"],
];
