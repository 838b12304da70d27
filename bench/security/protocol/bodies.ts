import { isUtf8 } from "node:buffer";
import { table } from "../../measure.ts";
import { dialBytes, logIn, toFrame } from "./raw-socket.ts";
import { type PortcullisTarget, startBarePeer, type Target } from "./target.ts";

export interface Body {
  readonly id: string;
  readonly name: string;
  readonly raw: string;
  readonly enc: string;
  readonly expect: "no-crash" | "error" | "parse-ok-then-32600" | "error-or-ignored" | "ok";
  readonly code: number | null;
}

/** What came back: the JSON-RPC codes in it, whether there was a result, and whether the bytes were refused as no text at all. */
interface Reaction {
  readonly codes: readonly number[];
  readonly result: boolean;
  readonly refused: boolean;
}

type Door = (bytes: Buffer) => Promise<Reaction>;

const patience = 20_000;

/** Every body of the corpus, on each door of Portcullis and on the MCP SDK's bare transport. */
export async function tryBodies(bodies: readonly Body[], target: PortcullisTarget): Promise<readonly string[]> {
  const failures: string[] = [];
  const rows: string[][] = [["", "bodies", "as expected", "no UTF-8: taken", "of", "crashes", "prototypes changed"]];
  const bare = await startBarePeer();
  const doors: readonly (readonly [string, Target, Door | Promise<Door>, boolean])[] = [
    ["WebSocket", target, webSocketDoor(target), true],
    ["HTTP mirror", target, mirrorDoor(target), true],
    ["MCP 2025-11-25", target, mcpDoor(target, "2025-11-25"), true],
    ["MCP 2025-03-26, with batches", target, mcpDoor(target, "2025-03-26"), true],
    ["MCP 2026-07-28", target, modernDoor(target), true],
    ["bare SDK, MCP 2025-11-25", bare, mcpDoor(bare, "2025-11-25"), false],
  ];
  for (const [name, server, opening, ours] of doors) {
    const door = await opening;
    const score = { right: 0, taken: 0, broken: 0 };
    for (const body of bodies) {
      const bytes = Buffer.from(body.raw, body.enc === "base64" ? "base64" : "utf8");
      const reaction = await door(bytes);
      const valid = isUtf8(bytes);
      score.broken += Number(!valid);
      const taken = !valid && !(reaction.refused || reaction.codes.includes(-32_700));
      score.taken += Number(taken);
      const right = isRight(body, bytes, reaction, name) && !taken;
      score.right += Number(right);
      if (!right && ours)
        failures.push(`FAILED ${name}: ${body.id} ${body.name} (${body.expect}) ${JSON.stringify(reaction)}`);
    }
    const { gained } = server.alive() ? await server.probe() : { gained: [] };
    if (ours && (!server.alive() || gained.length > 0)) failures.push(`FAILED ${name}: ${gained.join()} crashed`);
    rows.push(
      [name, bodies.length, score.right, score.taken, score.broken, Number(!server.alive()), gained.length].map(String),
    );
  }
  await bare.close();
  return [table(rows), ...failures];
}

function isRight({ expect, code }: Body, bytes: Buffer, { codes, result, refused }: Reaction, door: string): boolean {
  switch (expect) {
    case "no-crash":
      return true;
    case "error":
      return !result && (refused || codes.includes(code ?? Number.NaN));
    case "parse-ok-then-32600":
      // The mirror takes a call's parameters and no envelope: what is wrong with those is -32602.
      return (
        !result &&
        codes.length > 0 &&
        codes.every((each) => each === code || (door === "HTTP mirror" && each === -32_602))
      );
    case "ok":
      // The mirror has no ping, and the newest MCP none without the facts that it wants of every request.
      return result || door === "HTTP mirror" || door === "MCP 2026-07-28";
    case "error-or-ignored":
      return !result || holdsRequest(bytes);
  }
}

/** Whether a body, odd as it may be, holds a request to the letter of JSON-RPC 2.0: then an answer is right too. */
function holdsRequest(bytes: Buffer): boolean {
  try {
    return [JSON.parse(bytes.toString("utf8"))].flat().some(({ jsonrpc, method, id = null, params = {} }) => {
      const named = id === null || typeof id === "string" || typeof id === "number";
      return jsonrpc === "2.0" && typeof method === "string" && named && typeof params === "object";
    });
  } catch {
    return false;
  }
}

function toReaction(text: string): Reaction {
  if (text === "") return { codes: [], result: false, refused: false };
  const all = [JSON.parse(text)].flat() as { error?: { code: number }; result?: unknown }[];
  return {
    codes: all.flatMap(({ error }) => (error ? [error.code] : [])),
    result: all.some((each) => "result" in each),
    refused: false,
  };
}

async function webSocketDoor(target: PortcullisTarget): Promise<Door> {
  let raw = await dialBytes(target);
  await logIn(raw, target.token);
  let count = 0;
  return async (bytes) => {
    const ping = bytes.toString("latin1").replaceAll('"ping"', '"health.check"');
    const sent = Buffer.from(ping, "latin1");
    // The health check behind it tells when a message has been passed over in silence.
    const mark = `after-${++count}`;
    const from = raw.said.length;
    await raw.write(toFrame(sent));
    await raw.write(toFrame(Buffer.from(JSON.stringify({ jsonrpc: "2.0", id: mark, method: "health.check" }))));
    const until = Date.now() + patience;
    let texts: string[] = [];
    while (Date.now() < until && !raw.socket.destroyed && !raw.said.some(({ opcode }) => opcode === 8)) {
      texts = raw.said
        .slice(from)
        .filter(({ opcode }) => opcode === 1)
        .map(({ payload }) => payload.toString());
      if (texts.some((text) => text.includes(mark))) {
        // Answers may overtake each other.
        await new Promise((resolve) => setTimeout(resolve, 30));
        texts = raw.said
          .slice(from)
          .filter(({ opcode }) => opcode === 1)
          .map(({ payload }) => payload.toString());
        break;
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const others = texts.filter((text) => !text.includes(mark));
    const close = raw.said.find(({ opcode }) => opcode === 8);
    if (close || raw.socket.destroyed) {
      raw.socket.destroy();
      raw = await dialBytes(target);
      await logIn(raw, target.token);
      return { codes: [], result: false, refused: close?.payload.readUInt16BE(0) === 1007 };
    }
    return toReaction(others[0] ?? "");
  };
}

const json = { "content-type": "application/json" };

async function mirrorDoor({ port, token }: PortcullisTarget): Promise<Door> {
  const codes: Readonly<Record<string, number>> = {
    PARSE_ERROR: -32_700,
    INVALID_REQUEST: -32_600,
    INVALID_PARAMS: -32_602,
  };
  return async (body) => {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/tools/call`, {
      method: "POST",
      headers: { ...json, authorization: `Bearer ${token}` },
      body: new Uint8Array(body),
      signal: AbortSignal.timeout(patience),
    });
    const told = (await answer.json()) as { ok: boolean; code?: string };
    return { codes: told.code ? [codes[told.code] ?? 0] : [], result: told.ok, refused: false };
  };
}

const readAnswer = async (answer: Response): Promise<string> => {
  const text = await answer.text();
  if (!/text\/event-stream/.test(answer.headers.get("content-type") ?? "")) return text;
  const data = text.split("\n").flatMap((line) => (line.startsWith("data: ") ? [line.slice(6)] : []));
  return data.length === 0 ? "" : `[${data.join(",")}]`;
};

async function mcpDoor({ port, token }: Target, revision: string): Promise<Door> {
  const headers = {
    ...json,
    accept: "application/json, text/event-stream",
    ...(token && { authorization: `Bearer ${token}` }),
  };
  const post = (body: Uint8Array | string, more: Record<string, string> = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}/mcp`, {
      method: "POST",
      headers: { ...headers, ...more },
      body: typeof body === "string" ? body : new Uint8Array(body),
      signal: AbortSignal.timeout(patience),
    });
  const params = { protocolVersion: revision, capabilities: {}, clientInfo: { name: "bench", version: "1" } };
  const opened = await post(JSON.stringify({ jsonrpc: "2.0", id: 0, method: "initialize", params }));
  const session = opened.headers.get("mcp-session-id") ?? "";
  await opened.text();
  const more = { "mcp-session-id": session, "mcp-protocol-version": revision };
  await (await post('{"jsonrpc":"2.0","method":"notifications/initialized"}', more)).text();
  return async (body) => {
    const answer = await post(body, more);
    return toReaction(await readAnswer(answer));
  };
}

async function modernDoor({ port, token }: PortcullisTarget): Promise<Door> {
  return async (body) => {
    const answer = await fetch(`http://127.0.0.1:${port}/mcp`, {
      method: "POST",
      headers: {
        ...json,
        accept: "application/json, text/event-stream",
        authorization: `Bearer ${token}`,
        "mcp-protocol-version": "2026-07-28",
      },
      body: new Uint8Array(body),
      signal: AbortSignal.timeout(patience),
    });
    return toReaction(await readAnswer(answer));
  };
}
