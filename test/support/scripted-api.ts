import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CallError, type Resource } from "@portcullis/contracts";
import { afterAll, expect } from "vitest";
import type { Permit, Tool } from "../../packages/server/src/adapters/adapter.ts";
import {
  createOpenApiAdapter,
  type OpenApiOptions,
  readApi,
} from "../../packages/server/src/adapters/openapi/openapi-adapter.ts";
import type { ApiResult } from "../../packages/server/src/adapters/openapi/result.ts";
import type { GuardedFetch, GuardedRequest } from "../../packages/server/src/network/guarded-fetch.ts";

export const folder = mkdtempSync(join(tmpdir(), "portcullis-openapi-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
export const write = (content: string | object): string => {
  const path = join(folder, `${++files}.json`);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
};

export type Tree = Record<string, unknown>;
export const ok = { "200": { description: "ok" } };
export const document = (paths: Tree, more: Tree = {}): Tree => ({
  openapi: "3.1.0",
  info: { title: "t", version: "1" },
  servers: [{ url: "https://api.example/v1" }],
  paths,
  ...more,
});
export const get = (operationId: string, more: Tree = {}): Tree => ({ get: { operationId, responses: ok, ...more } });
export const inQuery = (name: string, schema: Tree = { type: "string" }, more: Tree = {}): Tree => ({
  name,
  in: "query",
  schema,
  ...more,
});

interface Answer {
  readonly status?: number;
  readonly json?: unknown;
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An API whose network is a list of answers. */
export async function openApi(content: Tree, options: Partial<OpenApiOptions> & { answers?: readonly Answer[] } = {}) {
  const asked: GuardedRequest[] = [];
  const answers = [...(options.answers ?? [])];
  const fetch: GuardedFetch = async (request) => {
    const url = new URL(request.url);
    if (request.reach(url, request.method ?? "GET") === "closed")
      throw new CallError("PERMISSION_DENIED", `No policy allows ${url.href}.`, {
        details: { url: url.href, resource: url.href },
      });
    asked.push(request);
    const { status = 200, json, text = JSON.stringify(json ?? {}), headers = {} } = answers.shift() ?? {};
    const body = Buffer.from(text);
    if (body.length > (request.maxBytes ?? Number.POSITIVE_INFINITY)) throw new CallError("TOO_LARGE", "too much");
    return {
      ...{ url, status, body, withheld: false, redirects: [] },
      headers: { "content-type": "application/json", ...headers },
    };
  };
  const told: string[] = [];
  const settings: OpenApiOptions = {
    ...{ name: "api", document: write(content), operations: ["*"], headers: {}, query: {}, concurrent: 2, fetch },
    tell: (message) => told.push(message),
    ...options,
  };
  const tools = createOpenApiAdapter(await readApi(settings), settings).tools() as unknown as Tool<Tree, ApiResult>[];
  const tool = (name: string): Tool<Tree, ApiResult> => {
    const found = tools.find((one) => one.name === `api.${name}`);
    if (!found) throw new Error(`There is no ${name} among ${tools.map((one) => one.name).join(", ")}.`);
    return found;
  };
  const call = async (
    name: string,
    args: Tree = {},
    allows: (resource: Resource) => boolean = () => true,
  ): Promise<ApiResult> => {
    if (!tool(name).accepts?.(args))
      throw new CallError("VALIDATION_ERROR", JSON.stringify(tool(name).accepts?.errors));
    await tool(name).touches(args);
    const permit = { allows, maxBytes: 100_000 } as Permit;
    return tool(name).run(args, { permit, signal: new AbortController().signal, progress: () => {} });
  };
  return { asked, told, tools, tool, call };
}

export const refusal = (promise: Promise<unknown>): Promise<CallError> =>
  promise.then(
    () => expect.fail("It was taken."),
    (error) => error,
  );
