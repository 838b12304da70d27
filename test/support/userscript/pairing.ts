import { randomBytes } from "node:crypto";
import type { World } from "../world.ts";

export interface Reply {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A POST as a userscript sends it: JSON, and no origin unless one is given. */
export async function post(url: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Reply["body"] };
}

export interface Paired {
  /** The whole token: what the server gave, and the script's own key. */
  readonly token: string;
  readonly name: string;
}

export const newKey = (): string => randomBytes(32).toString("base64url");

/** Makes a code as the owner does. */
export async function makeCode(world: World, ...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await world.run("pair", ...args, "--json");
  if (status !== 0) throw new Error(stderr);
  return (JSON.parse(stdout) as { code: string }).code;
}

/** Pairs as the script does. */
export async function pair(world: World, ...args: readonly string[]): Promise<Paired> {
  const key = newKey();
  const { status, body } = await post(`${world.listening.http}/v1/pair`, { code: await makeCode(world, ...args), key });
  if (status !== 200) throw new Error(JSON.stringify(body));
  return { token: `${body.token}.${key}`, name: String(body.name) };
}

/** Calls a tool as the script does. */
export const callTool = (world: World, token: string, name: string, args: unknown): Promise<Reply> =>
  post(
    `${world.listening.http}/v1/tools/call`,
    { name, args, trace: { agent: "userscript", purpose: "test" } },
    { authorization: `Bearer ${token}` },
  );
