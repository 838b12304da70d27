import { expect, test } from "vitest";
import { createMetrics } from "./metrics.ts";

const idle = { queue: 0, auditFault: false, warnings: 0, degraded: [] };

test("calls, refusals, masks and durations are counted", () => {
  const metrics = createMetrics();
  metrics.count({ kind: "call", masked: { 'own "pattern"\n': 2 } }, "fs.readFile", "ok", 700);
  metrics.count({ kind: "call" }, "fs.readFile", "PERMISSION_DENIED", 90_000_000);
  metrics.count({ kind: "method" }, "", "ok", 5);
  const page = metrics.text({ queue: 3, auditFault: true, warnings: 1, degraded: ["limits"] });
  for (const line of [
    'portcullis_calls_total{tool="fs.readFile",code="ok"} 1',
    'portcullis_calls_total{tool="fs.readFile",code="PERMISSION_DENIED"} 1',
    'portcullis_requests_total{kind="method",code="ok"} 1',
    'portcullis_masked_total{kind="own \\"pattern\\"\\n"} 2',
    "portcullis_audit_queue_records 3",
    "portcullis_audit_fault 1",
    'portcullis_call_duration_seconds_bucket{tool="fs.readFile",le="0.0005"} 0',
    'portcullis_call_duration_seconds_bucket{tool="fs.readFile",le="0.001"} 1',
    'portcullis_call_duration_seconds_bucket{tool="fs.readFile",le="60"} 1',
    'portcullis_call_duration_seconds_bucket{tool="fs.readFile",le="+Inf"} 2',
    'portcullis_call_duration_seconds_count{tool="fs.readFile"} 2',
  ])
    expect(page.split("\n")).toContain(line);
  expect(page.endsWith("\n")).toBe(true);
});

test("no number of kinds lets the page grow without bound", () => {
  const metrics = createMetrics();
  for (let n = 0; n < 5_000; n++) metrics.count({ kind: "call", masked: { [`kind-${n}`]: 1 } }, "search", "ok", 1);
  const page = metrics.text(idle);
  expect(page.split("\n").length).toBeLessThan(600);
  expect(page).toContain("portcullis_masked_total 4500");
});
