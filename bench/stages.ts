// What the corridor itself costs a call, stage by stage: `fs.readFile` of 4 KB under a policy of 1,000 scopes, in one process, without a transport.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Outcome } from "@portcullis/contracts";
import { assemble } from "../packages/server/src/assemble.ts";
import { readSettings } from "../packages/server/src/config/read-settings.ts";
import { createToken } from "../packages/server/src/identity/tokens.ts";
import { succeed } from "../packages/server/src/pipeline/answer.ts";
import type { Arrival } from "../packages/server/src/pipeline/arrival.ts";
import { authenticate } from "../packages/server/src/pipeline/authenticate.ts";
import { authorize } from "../packages/server/src/pipeline/authorize.ts";
import { confine } from "../packages/server/src/pipeline/confine.ts";
import { dispatch } from "../packages/server/src/pipeline/dispatch.ts";
import { openFacts } from "../packages/server/src/pipeline/facts.ts";
import { filter } from "../packages/server/src/pipeline/filter.ts";
import { guard } from "../packages/server/src/pipeline/guard.ts";
import { limit } from "../packages/server/src/pipeline/limit.ts";
import { handleCall } from "../packages/server/src/pipeline/pipeline.ts";
import { readTrace } from "../packages/server/src/pipeline/read-trace.ts";
import { recordOutcome } from "../packages/server/src/pipeline/record.ts";
import { redact } from "../packages/server/src/pipeline/redact.ts";
import { resolve } from "../packages/server/src/pipeline/resolve.ts";
import { validate } from "../packages/server/src/pipeline/validate.ts";
import { toPolicy } from "./many-scopes.ts";
import { machine, median, table } from "./measure.ts";
import { writeNotes } from "./notes.ts";

const calls = 4_000;
const base = mkdtempSync(join(tmpdir(), "portcullis-stages-"));
const [folder, data] = [join(base, "notes"), join(base, "data")];
const nextNote = writeNotes(folder, 1_000);
mkdirSync(join(data, "policies"), { recursive: true });
writeFileSync(
  join(folder, "note.md"),
  "A line of an ordinary note, with nothing to hide.\n".repeat(82).slice(0, 4_096),
);
writeFileSync(join(data, "policies", "bench.yaml"), toPolicy("bench", folder, 1_000));

const env = { PORTCULLIS_LIMITS_TURN_CALLS: "100000000", PORTCULLIS_LIMITS_TURN_CEILING: "100000000" };
const quiet = { info: () => {}, error: (facts: object, message: string) => console.error(message, facts) };
const assembly = await assemble({
  data,
  settings: readSettings(data, {}, env),
  folders: [{ name: "notes", path: folder }],
  home: base,
  url: () => "http://127.0.0.1",
  log: quiet,
});
await assembly.start();
const { parts } = assembly;
const { token } = await createToken(parts.tokens, { name: "bench", subject: "bench", expiresAt: null }, Date.now());

const arrive = (): Arrival => ({
  door: "websocket",
  credential: { kind: "token", token },
  name: "fs.readFile",
  args: { path: nextNote() },
  trace: { purpose: "measure" },
});

const times = new Map<string, number[]>();
async function timed<T>(stage: string, body: () => T | Promise<T>): Promise<T> {
  const before = process.hrtime.bigint();
  const made = body();
  const result = made instanceof Promise ? await made : made;
  const list = times.get(stage) ?? [];
  list.push(Number(process.hrtime.bigint() - before) / 1_000);
  times.set(stage, list);
  return result;
}

/** The corridor's order, with a clock around each stage. */
async function walk(): Promise<void> {
  const arrival = arrive();
  const facts = openFacts(parts, arrival, { kind: "call", name: "fs.readFile", args: arrival.args });
  facts.caller = await timed("authenticate", () =>
    authenticate(parts, { credential: arrival.credential, door: "http" }, "call"),
  );
  const { caller } = facts;
  const justification = await timed("read trace", () => readTrace(arrival));
  facts.justification = justification;
  await timed("guard (turn)", () => guard(parts, { caller, justification, arrival }, () => {}));
  const call = await timed("validate", () => validate(parts, arrival));
  const resources = await timed("resolve", () => resolve(call));
  facts.resources = resources;
  await timed("refresh grants", () => parts.consent.grants.refresh());
  const authorization = await timed("authorize (1,000 scopes)", () =>
    authorize(parts, { caller, call, resources, purpose: justification.purpose }),
  );
  if (!authorization.permit) throw new Error("The benchmark's call is denied.");
  facts.verdicts = authorization.verdicts;
  await timed("limit (buckets)", () => limit(parts, authorization));
  const question = { caller, call, resources, purpose: justification.purpose };
  const confined = await timed("confine (flow)", () => confine(parts, facts, { question, authorization, arrival }));
  const output = await timed("dispatch (the read itself)", () =>
    dispatch(parts, call, { caller, permit: confined.permit(authorization.permit), arrival }),
  );
  const shown = await timed("filter", async () => filter(call, output, await confined.shown(authorization)));
  await timed("carry (flow)", () => confined.carry());
  const scrubbed = await timed("redact (4 KB)", () => redact(parts, call, authorization, shown));
  const answer = await timed("answer", () =>
    succeed(facts, call, { ...scrubbed, shown, maxBytes: authorization.permit.maxBytes }),
  );
  await timed("record (audit)", () => recordOutcome(parts, facts, answer));
}

async function whole(): Promise<void> {
  const arrival = arrive();
  const outcome: Outcome = await timed("a whole call", () => handleCall(parts, arrival));
  if (!outcome.ok) throw new Error(JSON.stringify(outcome));
}

for (let call = 0; call < 1_000; call++) await walk();
times.clear();
for (let call = 0; call < calls; call++) {
  await walk();
  await whole();
}

const p50 = (stage: string): number => median(times.get(stage) ?? []);
const stages = [...times.keys()].filter((stage) => stage !== "a whole call");
const read = p50("dispatch (the read itself)");
console.log(`The corridor around fs.readFile of 4 KB, 1,000 notes in turn, p50 of ${calls} calls, in \u00b5s`);
console.log(machine());
console.log(
  table([...stages.map((stage) => [stage, p50(stage).toFixed(1)]), ["a whole call", p50("a whole call").toFixed(1)]]),
);
const controls = stages.filter((stage) => /^(authorize|limit|guard|redact|record)/.test(stage));
const sum = controls.reduce((total, stage) => total + p50(stage), 0);
console.log(`Policy, limits, redaction and audit together: ${sum.toFixed(1)} \u00b5s a call. Aim: at most 120.`);
console.log(`All of a call but the read: ${(p50("a whole call") - read).toFixed(1)} \u00b5s.`);
await assembly.stop(0);
rmSync(base, { recursive: true, force: true });
