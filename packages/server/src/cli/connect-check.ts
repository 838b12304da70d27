import { homedir } from "node:os";
import { Client, type Transport } from "@modelcontextprotocol/client";
import { plain } from "@portcullis/contracts";
import { ChildTransport } from "../adapters/mcp/child-transport.ts";
import { openHttpWay } from "../adapters/mcp/http-way.ts";
import type { Environment } from "../config/read-settings.ts";
import { createGuardedFetch } from "../network/guarded-fetch.ts";
import { toPort } from "../network/parse-url.ts";
import { version } from "../version.ts";
import { type Entry, ourName } from "./client-entries.ts";
import { type ClientTarget, onFile, readClientFile } from "./client-target.ts";
import { toTable } from "./output.ts";

/** One thing that was looked at. */
export interface Step {
  readonly what: string;
  readonly state: "good" | "weak" | "bad";
  readonly says: string;
}

const marks = { good: "\u2713", weak: "!", bad: "\u2717" } as const;
const stepMs = 20_000;
const longestMessage = 16_777_216;

export const toStepText = (steps: readonly Step[]): string =>
  toTable(steps.map(({ what, state, says }) => [marks[state], what, says]));

export interface Checking {
  readonly env: Environment;
  readonly query: string;
}

/** Does what the client will do with the very entry in its file: connects, lists the tools, searches once. */
export async function checkEntry(target: ClientTarget, { env, query }: Checking): Promise<readonly Step[]> {
  const { name, client, file } = target;
  const entry = onFile(file, "Mend it first.", () => client.servers(readClientFile(file)))[ourName];
  if (!entry) return [{ what: "entry", state: "bad", says: `${file} has none: portcullis connect ${name} --write` }];
  const steps: Step[] = [{ what: "entry", state: "good", says: file }];
  let way: Transport;
  let complaint = "";
  try {
    way = openWay(entry, env, (line) => {
      complaint = line;
    });
  } catch (error) {
    return [...steps, { what: "entry", state: "bad", says: (error as Error).message }];
  }
  const seen = await callThrough(way, query);
  const failed = seen.some(({ state }) => state === "bad");
  return [
    ...steps,
    ...seen,
    ...(failed && complaint !== ""
      ? [{ what: "its words", state: "weak" as const, says: plain(complaint).slice(0, 400) }]
      : []),
  ];
}

/** The way that an entry describes, with the variables that the client would read from its environment. */
function openWay(entry: Entry, env: Environment, complain: (line: string) => void): Transport {
  const { command, args, env: own, url, httpUrl, headers, bearer_token_env_var: bearer } = entry;
  const expand = (value: unknown): string =>
    String(value).replace(/\$\{(?:env:)?(\w+)\}|\$(\w+)/g, (_, braced?: string, bare?: string) => {
      const variable = braced ?? bare ?? "";
      const found = env[variable];
      if (!found)
        throw new Error(`The environment has no ${variable}, which the client has to send: set it, and check again.`);
      return found;
    });
  const texts = (value: unknown): Record<string, string> =>
    Object.fromEntries(Object.entries(value ?? {}).map(([key, one]) => [key, expand(one)]));
  if (typeof command === "string") {
    const around = { PATH: env.PATH ?? "", HOME: env.HOME ?? homedir() };
    return new ChildTransport({
      ...{ command, args: Array.isArray(args) ? args.map(String) : [], env: { ...around, ...texts(own) } },
      ...{ maxMessageBytes: longestMessage, complain },
    });
  }
  const address = typeof httpUrl === "string" ? httpUrl : url;
  if (typeof address !== "string" || !URL.canParse(address))
    throw new Error("The entry names neither a command nor a URL.");
  const sent = typeof bearer === "string" ? { Authorization: `Bearer ${expand(`\${${bearer}}`)}` } : texts(headers);
  return openRemote(address, sent);
}

/** MCP over HTTP to one address, that may be on this machine. */
export function openRemote(address: string, headers: Readonly<Record<string, string>>): Transport {
  const url = new URL(address);
  const limits = { totalMs: stepMs, bodyBytes: longestMessage };
  const fetch = createGuardedFetch({ limits, privateHosts: [`${url.hostname}:${toPort(url)}`] });
  return openHttpWay({ url: url.href, headers, fetch });
}

/** Connects, lists the tools, and searches; stops at the first step that fails. */
export async function callThrough(way: Transport, query: string, look = lookAtSearch): Promise<readonly Step[]> {
  const client = new Client({ name: "portcullis-check", version }, { capabilities: {} });
  const steps: Step[] = [];
  const within = { timeout: stepMs };
  let at = "connection";
  try {
    await client.connect(way, within);
    const server = client.getServerVersion();
    steps.push({
      what: at,
      state: "good",
      says: `${plain(server?.name ?? "a server")} ${plain(server?.version ?? "")}`.trim(),
    });
    at = "tools";
    const { tools } = await client.listTools({}, within);
    steps.push({
      ...{ what: at, state: tools.length > 0 ? "good" : "bad" },
      says:
        tools.length > 0
          ? `${tools.length}: ${plain(tools.map(({ name }) => name).join(", "))}`
          : "None: no policy gives this subject any.",
    });
    at = "search";
    const takesPurpose = tools.some(({ name, inputSchema }) => name === "search" && inputSchema.properties?.purpose);
    const call = (name: string, args: Record<string, unknown>) => client.callTool({ name, arguments: args }, within);
    steps.push(...(await look({ call, tools: tools.map(({ name }) => name), query, takesPurpose })));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    steps.push({ what: at, state: "bad", says: plain(why).slice(0, 400) });
  } finally {
    await client.close().catch(() => {});
    await way.close().catch(() => {});
  }
  return steps;
}

export interface Looking {
  readonly call: (name: string, args: Record<string, unknown>) => ReturnType<Client["callTool"]>;
  readonly tools: readonly string[];
  readonly query: string;
  readonly takesPurpose: boolean;
}

async function lookAtSearch({ call, tools, query, takesPurpose }: Looking): Promise<readonly Step[]> {
  if (!tools.includes("search"))
    return [{ what: "search", state: "weak", says: "This subject has no search, so no call was made." }];
  const answer = await call("search", { query, ...(takesPurpose && { purpose: "portcullis connect --check" }) });
  return [toSearchStep(answer)];
}

/** What came of a search. */
export function toSearchStep({ isError, structuredContent, content }: Awaited<ReturnType<Client["callTool"]>>): Step {
  const { results } = (structuredContent ?? {}) as { readonly results?: unknown };
  if (!isError && Array.isArray(results))
    return { what: "search", state: "good", says: `answered, with ${results.length} results` };
  const [first] = content as readonly { readonly text?: string }[];
  return { what: "search", state: "bad", says: plain(first?.text ?? "It answered with no results.").slice(0, 400) };
}
