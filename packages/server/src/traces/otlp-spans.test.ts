import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { openWayTo } from "../vectors/endpoint-fetch.ts";
import { createOtlpSpans } from "./otlp-spans.ts";

interface Sent {
  readonly resourceSpans: {
    resource: { attributes: { key: string; value: Record<string, unknown> }[] };
    scopeSpans: {
      spans: {
        name: string;
        traceId: string;
        parentSpanId?: string;
        startTimeUnixNano: string;
        endTimeUnixNano: string;
        status: { code?: number };
        attributes: { key: string; value: Record<string, unknown> }[];
      }[];
    }[];
  }[];
}

/** A collector that answers each request with the next of the statuses, and then with 200. */
async function openCollector(statuses: readonly number[] = []) {
  const bodies: Sent[] = [];
  const keys: (string | undefined)[] = [];
  const left = [...statuses];
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => {
      text += chunk;
    });
    request.on("end", () => {
      bodies.push(JSON.parse(text) as Sent);
      keys.push(request.headers.authorization);
      response.writeHead(left.shift() ?? 200, { "content-type": "application/json" }).end("{}");
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const spans = () =>
    bodies.flatMap(({ resourceSpans }) =>
      resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)),
    );
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`, bodies, keys, spans };
}

function open(url: string, faults: unknown[] = [], share = 1) {
  const fetch = openWayTo(url, { totalMs: 2_000, bodyBytes: 4_096 });
  return createOtlpSpans({
    ...{ url, key: "let-me-in", share, version: "9.9.9", boot: "boot", fetch, delayMs: 20 },
    fault: (error) => void faults.push(error),
  });
}

const facts = {
  id: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
  kind: "call",
  at: 1_700_000_000_000,
  origin: { door: "http" },
} as const;
const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const told = { stated: true, trace: { purpose: "water the plants", traceparent } } as const;

test("a call is a span of its caller's trace, with its tool, outcome and audit id and nothing that was asked or told", async () => {
  const { url, spans, bodies, keys } = await openCollector();
  const to = open(url);
  const purpose = { text: "water the plants", stated: true };
  to.end(
    { ...facts, justification: { ...told, purpose }, masked: { jwt: 2, aws: 1 } },
    { tool: "fs.readFile", code: "PERMISSION_DENIED", durationUs: 1_500 },
  );
  await to.stop();
  expect(keys).toEqual(["Bearer let-me-in"]);
  const [span] = spans();
  expect(span).toMatchObject({
    name: "tools/call fs.readFile",
    traceId: "0af7651916cd43dd8448eb211c80319c",
    parentSpanId: "b7ad6b7169203331",
    status: { code: 2 },
  });
  expect(BigInt(span?.endTimeUnixNano ?? 0) - BigInt(span?.startTimeUnixNano ?? 0)).toBe(1_500_000n);
  const attributes = Object.fromEntries(
    (span?.attributes ?? []).map(({ key, value }) => [key, Object.values(value)[0]]),
  );
  expect(attributes).toEqual({
    "mcp.method.name": "tools/call",
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": "fs.readFile",
    "portcullis.kind": "call",
    "portcullis.audit.id": facts.id,
    "portcullis.door": "http",
    "portcullis.outcome": "PERMISSION_DENIED",
    "portcullis.masked": 3,
    "error.type": "PERMISSION_DENIED",
  });
  expect(JSON.stringify(bodies)).not.toContain("plants");
});

test("a caller that does not sample is followed in that, and a share of none sends none", async () => {
  const { url, spans } = await openCollector();
  const to = open(url, [], 0);
  const silent = { ...told.trace, traceparent: `${traceparent.slice(0, -2)}00` };
  const purpose = { stated: true };
  to.end({ ...facts, justification: { ...told, trace: silent, purpose } }, { tool: "a", code: "ok", durationUs: 1 });
  to.end(facts, { tool: "b", code: "ok", durationUs: 1 });
  to.end({ ...facts, justification: { ...told, purpose } }, { tool: "c", code: "ok", durationUs: 1 });
  await to.stop();
  expect(spans().map(({ name }) => name)).toEqual(["tools/call c"]);
});

test("a collector that fails is told of once, calls go on, and what comes later is sent", async () => {
  const { url, spans } = await openCollector([500, 500]);
  const faults: unknown[] = [];
  const to = open(url, faults);
  for (const tool of ["one", "two", "three"]) {
    to.end(facts, { tool, code: "ok", durationUs: 1 });
    await delay(200);
  }
  await to.stop();
  expect(spans().map(({ name }) => name)).toContain("tools/call three");
  expect(faults.map(String)).toEqual(["Error: The collector answered 500."]);
});

test("a collector that is not there holds up nothing", async () => {
  const gone = createServer().listen(0, "127.0.0.1");
  await once(gone, "listening");
  const { port } = gone.address() as AddressInfo;
  gone.close();
  await once(gone, "close");
  const faults: unknown[] = [];
  const to = open(`http://127.0.0.1:${port}/v1/traces`, faults);
  for (let count = 0; count < 5_000; count++) to.end(facts, { tool: "fs.stat", code: "ok", durationUs: 1 });
  await to.stop();
  expect(faults).toHaveLength(1);
});
