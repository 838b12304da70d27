import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { JsonTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { GuardedFetch } from "../network/guarded-fetch.ts";
import type { Spans } from "../pipeline/spans.ts";

export interface OtlpSpansOptions {
  /** Where a collector takes traces by OTLP over HTTP with JSON, such as http://127.0.0.1:4318/v1/traces. */
  readonly url: string;
  /** Sent as a bearer token; empty for none. */
  readonly key: string;
  /** The share of traces that are begun here; those that a caller has begun are followed as the caller says. */
  readonly share: number;
  readonly version: string;
  /** Names this life of the process. */
  readonly boot: string;
  readonly fetch: GuardedFetch;
  /** Told of the first of several failures in a row. */
  fault(error: unknown): void;
  /** How long spans are gathered, in ms. */
  readonly delayMs?: number;
}

/** The most spans that wait to be sent; what comes on top of them is dropped. */
const mostWaiting = 2_048;
const sendMs = 10_000;

/**
 * One span for each call and request, as OpenTelemetry's conventions for MCP have them, in the trace that the caller's `traceparent` names. It tells
 * which tool was called, through which door, for how long and what became of it, with the audit's id: no subject, argument, resource or text.
 */
export function createOtlpSpans(options: OtlpSpansOptions): Spans & { stop(): Promise<void> } {
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      "service.name": "portcullis",
      "service.version": options.version,
      "service.instance.id": options.boot,
    }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.share) }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: createExporter(options),
        maxQueueSize: mostWaiting,
        exportTimeoutMillis: sendMs,
        ...(options.delayMs !== undefined && { scheduledDelayMillis: options.delayMs }),
      }),
    ],
  });
  const tracer = provider.getTracer("portcullis", options.version);
  return {
    end({ id, kind, at, origin, justification, masked }, { tool, code, durationUs }) {
      const span = tracer.startSpan(
        kind === "call" ? `tools/call ${tool}` : kind,
        {
          kind: SpanKind.SERVER,
          startTime: at,
          attributes: {
            ...(kind === "call" && {
              "mcp.method.name": "tools/call",
              "gen_ai.operation.name": "execute_tool",
              "gen_ai.tool.name": tool,
            }),
            "portcullis.kind": kind,
            "portcullis.audit.id": id,
            "portcullis.door": origin.door,
            "portcullis.outcome": code,
            "portcullis.masked": Object.values(masked ?? {}).reduce((sum, count) => sum + count, 0),
            ...(code !== "ok" && { "error.type": code }),
          },
        },
        toParent(justification?.trace.traceparent),
      );
      if (code !== "ok") span.setStatus({ code: SpanStatusCode.ERROR });
      span.end(at + durationUs / 1_000);
    },
    // What could not be sent at the end has been told.
    stop: () => provider.shutdown().catch(() => {}),
  };
}

/** W3C Trace Context, whose form has been checked where it came in. */
function toParent(traceparent: string | undefined) {
  if (traceparent === undefined) return ROOT_CONTEXT;
  const [, traceId = "", spanId = "", flags = "00"] = traceparent.split("-");
  return trace.setSpanContext(ROOT_CONTEXT, {
    ...{ traceId, spanId, isRemote: true },
    traceFlags: Number.parseInt(flags, 16) & 1,
  });
}

function createExporter({ url, key, fetch, fault }: OtlpSpansOptions): SpanExporter {
  const stopping = new AbortController();
  let failed = false;
  const send = async (body: string): Promise<void> => {
    const { status } = await fetch({
      url,
      method: "POST",
      headers: { "content-type": "application/json", ...(key !== "" && { authorization: `Bearer ${key}` }) },
      body,
      signal: AbortSignal.any([stopping.signal, AbortSignal.timeout(sendMs)]),
      reach: (next) => (next.href === url ? "private" : "closed"),
    });
    if (status < 200 || status > 299) throw new Error(`The collector answered ${status}.`);
  };
  return {
    export(spans, done) {
      const bytes = JsonTraceSerializer.serializeRequest(spans);
      send(Buffer.from(bytes ?? []).toString("utf8")).then(
        () => {
          failed = false;
          done({ code: 0 });
        },
        (error: unknown) => {
          if (!failed) fault(error);
          failed = true;
          done({ code: 1, error: error as Error });
        },
      );
    },
    async shutdown() {
      stopping.abort();
    },
  };
}
