import { CallError, Labels, type Resource, toUri } from "@portcullis/contracts";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import type { Adapter, AnyTool, Permit, Tool } from "../adapter.ts";

/** One call to try, and what it should come to. */
export interface Case {
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** `answer`, or the code of the refusal (docs/errors.md). */
  readonly expect: string;
}

export interface Finding {
  /** A tool's name, or the adapter's. */
  readonly of: string;
  /** What was looked at, in one line. */
  readonly check: string;
  /** What is wrong; undefined where all is well. */
  readonly wrong?: string;
}

/** Longer than this (ms) naming what a call touches must not take, nor ending after its signal fired. */
const soonMs = 1_000;
const callMs = 30_000;

type AnyCase = Tool<unknown, unknown>;

/**
 * Holds an adapter against what the corridor counts on: names, schemas, what calls touch, that answers keep to their schema, that hidden items are dropped, that
 * signals are obeyed and that nothing is left open. Works on a started adapter's own sources; only the calls of `cases` are made.
 */
export async function checkAdapter(adapter: Adapter, cases: readonly Case[]): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const tools = adapter.tools() as readonly AnyTool[] as unknown as readonly AnyCase[];
  const note = (of: string, check: string, wrong?: string): void =>
    void findings.push({ of, check, ...(wrong !== undefined && { wrong }) });
  const ajv = new Ajv2020({ allErrors: false, strict: true, allowUnionTypes: true });
  (formats as unknown as (ajv: Ajv2020) => void)(ajv);
  const isLabels = ajv.compile(Labels);

  const broken = new Set<string>();
  for (const { name, input, output, labels } of tools) {
    for (const [what, schema] of Object.entries({ input, output })) {
      const fault = faultOf(() => void ajv.compile(schema));
      if (fault !== undefined) broken.add(name);
      note(name, `the schema of its ${what} compiles`, fault);
    }
    note(name, "its labels are labels", isLabels(labels) ? undefined : ajv.errorsText(isLabels.errors));
    if (!cases.some((one) => one.tool === name && one.expect === "answer"))
      note(name, "a case shows it answering", "there is none");
  }
  const names = tools.map(({ name }) => name);
  note(adapter.name, "no two tools have one name", new Set(names).size === names.length ? undefined : names.join(", "));

  const before = openThings();
  const asked = new Map<string, number>();
  const ending = new AbortController();
  const started = await within(callMs, async () => adapter.start?.(ending.signal));
  note(adapter.name, "it starts", started.fault);
  if (started.fault === undefined) {
    for (const one of cases) {
      const tool = tools.find(({ name }) => name === one.tool);
      if (!tool) note(one.tool, "a case names a tool that there is", `there are ${names.join(", ")}`);
      else if (!broken.has(one.tool)) await tryCase(tool, one, { ajv, note, asked });
    }
    for (const [name, items] of asked)
      note(
        name,
        "its filter asks about items",
        items > 0 ? undefined : "of no answer that the cases bring it has asked about any",
      );
  }
  ending.abort();
  const stopped = await within(callMs, async () => adapter.stop?.());
  note(adapter.name, "it stops", stopped.fault);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const left = openThings();
  for (const thing of before) if (left.includes(thing)) left.splice(left.indexOf(thing), 1);
  note(adapter.name, "nothing of it is left open", left.length === 0 ? undefined : left.join(", "));
  return findings;
}

interface Bench {
  readonly ajv: Ajv2020;
  /** How many items the filter of each tool has asked about. */
  readonly asked: Map<string, number>;
  note(of: string, check: string, wrong?: string): void;
}

async function tryCase(tool: AnyCase, { args, expect }: Case, { ajv, note, asked: counts }: Bench): Promise<void> {
  const { name } = tool;
  const of = `${name} ${JSON.stringify(args).slice(0, 80)}`;
  const accepts = ajv.compile(tool.input);
  if (!accepts(args)) {
    note(of, `it comes to ${expect}`, expect === "VALIDATION_ERROR" ? undefined : ajv.errorsText(accepts.errors));
    return;
  }
  const touched = await within(soonMs, async () => tool.touches(args));
  if (touched.fault !== undefined) {
    judge(of, expect, touched.error, note);
    return;
  }
  const resources = touched.value ?? [];
  note(of, "it touches something", resources.length > 0 ? undefined : "a call that touches nothing is refused");
  const odd = resources.map(canonicalFault).find((fault) => fault !== undefined);
  note(of, "what it touches is canonical", odd);
  const again = await within(soonMs, async () => tool.touches(args));
  const same = JSON.stringify(again.value) === JSON.stringify(resources);
  note(
    of,
    "it touches the same each time",
    same ? undefined : "other arguments of its own, or the world, have a say in it",
  );

  const asked: Resource[] = [];
  const run = (signal: AbortSignal, allows: (resource: Resource) => boolean) =>
    tool.run(args, { permit: toPermit(name, resources, allows), signal, progress: () => {} });
  const all = await within(callMs, (signal) =>
    run(signal, (resource) => {
      asked.push(resource);
      return true;
    }),
  );
  if (all.fault !== undefined) {
    judge(of, expect, all.error, note);
    return;
  }
  note(of, `it comes to ${expect}`, expect === "answer" ? undefined : "it answered");
  const answers = ajv.compile(tool.output);
  note(of, "the answer keeps to its schema", answers(all.value) ? undefined : ajv.errorsText(answers.errors));
  if (tool.filter) {
    const items: Resource[] = [];
    const filter = tool.filter.bind(tool);
    filter(structuredClone(all.value), (resource) => items.push(resource) > 0);
    counts.set(name, (counts.get(name) ?? 0) + items.length);
    const bare = filter(structuredClone(all.value), () => false);
    note(
      of,
      "what is left of the answer keeps to its schema",
      answers(bare) ? undefined : ajv.errorsText(answers.errors),
    );
    const shown = JSON.stringify(bare);
    const named = items
      .flatMap(namesOf)
      .find((text) => !resources.flatMap(namesOf).includes(text) && shown.includes(text));
    note(of, "items that policy hides are dropped", named === undefined ? undefined : `${named} is still there`);
  } else if (asked.length > 0) {
    const bare = await within(callMs, (signal) => run(signal, () => false));
    const shown = bare.fault === undefined ? JSON.stringify(bare.value) : "";
    const named = asked.flatMap(namesOf).find((text) => shown.includes(text));
    note(
      of,
      "what it asks about and may not have is dropped",
      named === undefined ? undefined : `${named} is still there`,
    );
  }
  const aborted = await within(soonMs, () => run(AbortSignal.abort(new Error("given up")), () => true), true);
  note(of, "it ends soon after its signal", aborted.late ? "it went on" : undefined);
}

function judge(of: string, expect: string, error: unknown, note: Bench["note"]): void {
  if (!(error instanceof CallError)) {
    note(
      of,
      `it comes to ${expect}`,
      `it threw what is no CallError, of which a caller learns nothing: ${String(error)}`,
    );
    return;
  }
  note(
    of,
    `it comes to ${expect}`,
    error.code === expect ? undefined : `it was refused: ${error.code}, ${error.message}`,
  );
  const next = error.details?.next;
  note(
    of,
    "the refusal tells what to do next",
    typeof next === "string" && next !== "" ? undefined : "details.next is not there",
  );
}

/** The texts by which an answer could name a resource. */
function namesOf(resource: Resource): readonly string[] {
  const own =
    resource.kind === "path" || resource.kind === "git"
      ? [resource.path]
      : resource.kind === "url"
        ? [resource.href]
        : [];
  return [toUri(resource), ...own].filter((text) => text.length > 3).map((text) => JSON.stringify(text).slice(1, -1));
}

function canonicalFault(resource: Resource): string | undefined {
  switch (resource.kind) {
    case "path": {
      const { path } = resource;
      const whole =
        path.startsWith("/") && !/\/(\.{0,2})(\/|$)/.test(path.slice(0, -1) || "/x") && path === path.normalize("NFC");
      return whole || path === "/" ? undefined : `${path} is not absolute, normalised and NFC`;
    }
    case "url":
      return URL.canParse(resource.href) &&
        new URL(resource.href).href === resource.href &&
        resource.method === resource.method.toUpperCase()
        ? undefined
        : `${resource.method} ${resource.href} is not as the URL parser writes it`;
    case "git":
      return resource.repository.startsWith("/") && !resource.path.startsWith("/")
        ? undefined
        : "a repository is absolute, a path in it relative";
    case "index":
      return resource.name === "" ? "an index has a name" : undefined;
    default:
      return "its kind is none of path, url, git and index";
  }
}

const toPermit = (tool: string, resources: readonly Resource[], allows: (resource: Resource) => boolean): Permit =>
  ({
    ...{ subject: "conformance", tool, resources, maxBytes: 5 * 1024 * 1024, hardlinks: false, allows },
    view: {},
  }) as unknown as Permit;

interface Ended<T> {
  readonly value?: T;
  readonly error?: unknown;
  /** Why there is no value. */
  readonly fault?: string;
  readonly late?: boolean;
}

/** Waits for what a body makes; its signal fires when the time is over. */
async function within<T>(ms: number, body: (signal: AbortSignal) => Promise<T>, lateIsAll = false): Promise<Ended<T>> {
  const over = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Ended<T>>((resolve) => {
    timer = setTimeout(
      () => resolve({ fault: `it took longer than ${ms} ms`, late: true, error: new Error("late") }),
      ms,
    );
  });
  const made = (async (): Promise<Ended<T>> => {
    try {
      return { value: await body(over.signal) };
    } catch (error) {
      return { error, fault: error instanceof Error ? error.message : String(error) };
    }
  })();
  const ended = await Promise.race([made, late]);
  clearTimeout(timer);
  if (!lateIsAll || ended.late) over.abort(new Error("The time is over."));
  return ended;
}

const faultOf = (body: () => void): string | undefined => {
  try {
    body();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
};

/** What keeps a process alive: sockets, servers, timers, watchers, children. */
const openThings = (): string[] => process.getActiveResourcesInfo().filter((thing) => thing !== "Immediate");
