import { type Resource, toUri } from "@portcullis/contracts";
import type { TObject } from "typebox";
import { describeTools } from "../assemble.ts";
import { type AuditRecord, parseRecord } from "../audit/record.ts";
import type { Answer } from "../policy/answer.ts";
import type { SampleTool } from "../policy/compare.ts";
import { PatternError } from "../policy/fault.ts";
import type { RecordedCall } from "../policy/replay.ts";
import { readResource } from "../policy/resource-text.ts";
import { openForReading, seek } from "./audit-records.ts";

export interface RecordedCalls {
  readonly calls: readonly RecordedCall[];
  /** Records that a policy decided and that cannot be judged again, since what they touch was masked or cut short. */
  readonly unreadable: number;
  /** True when there were more than are kept. */
  readonly cut: boolean;
}

const page = 1_000;
const mostCalls = 500_000;
/** A record is written when its call ends, under the time at which it began; no call takes longer than this. */
const longestCallMs = 3_600_000;

/** The calls of an audit that a policy decided, oldest first. */
export async function readCalls(data: string, since: number): Promise<RecordedCalls> {
  const log = openForReading(data);
  try {
    const calls: RecordedCall[] = [];
    let unreadable = 0;
    const read = createCallReader();
    for (let seq = await seek(log, since - longestCallMs); ; ) {
      const records = await log.read(seq, page);
      for (const { body } of records) {
        const record = parseRecord(body);
        if (Date.parse(record.at) < since || !isDecided(record)) continue;
        if (calls.length >= mostCalls) return { calls, unreadable, cut: true };
        const call = await read(record);
        if (call) calls.push(call);
        else unreadable += 1;
      }
      const last = records.at(-1);
      if (last === undefined || records.length < page) return { calls, unreadable, cut: false };
      seq = last.seq;
    }
  } finally {
    await log.close();
  }
}

/** The call of one audit id; undefined when the audit holds none that a policy decided. */
export async function findCall(data: string, id: string): Promise<RecordedCall | undefined> {
  const log = openForReading(data);
  try {
    const record = (await log.find(id)).map(({ body }) => parseRecord(body)).find(isDecided);
    return record && (await createCallReader()(record));
  } finally {
    await log.close();
  }
}

/** Only what reached the policy has its hash; what failed before was refused for other reasons. */
const isDecided = (record: AuditRecord): boolean =>
  record.kind === "call" && record.policy !== undefined && record.subject !== undefined && record.tool !== undefined;

function answerOf({ decision, outcome }: AuditRecord): Answer {
  if (decision === "allow") return "allow";
  return outcome === "CONSENT_REQUIRED" ? "ask" : "deny";
}

/** Reads records as calls; undefined for one whose resources cannot be told any more. */
function createCallReader(): (record: AuditRecord) => Promise<RecordedCall | undefined> {
  const registry = describeTools();
  const collections = new Set(sampleTools().flatMap(({ name, collection }) => (collection ? [name] : [])));
  const nowhere = { home: "/", served: [] };

  /** The tool's own reading of its arguments tells more than the URIs (a method, a whole folder), where it gives the same. */
  const byArguments = async ({ tool = "", args, resources = [] }: AuditRecord): Promise<readonly Resource[]> => {
    const found = registry.find(tool);
    if (!found?.accepts(args)) return [];
    try {
      const touched = await found.tool.touches(args);
      return JSON.stringify(touched.map(toUri)) === JSON.stringify(resources) ? touched : [];
    } catch {
      return [];
    }
  };

  return async (record) => {
    const { id, subject = "", tool = "", resources = [], purpose, at } = record;
    if (resources.length === 0 || resources.some((uri) => /\[redacted:|… \(\d+\)$/.test(decodeLoosely(uri)))) return;
    let touched = await byArguments(record);
    if (touched.length === 0) {
      try {
        touched = resources.map((uri) => {
          const resource = readResource(uri, nowhere);
          return resource.kind === "path" && collections.has(tool) ? { ...resource, collection: true } : resource;
        });
      } catch (error) {
        if (error instanceof PatternError) return;
        throw error;
      }
    }
    return {
      id,
      subject,
      tool,
      effect: registry.find(tool)?.tool.effect ?? "read",
      resources: touched,
      purpose: { ...(purpose?.text !== undefined && { text: purpose.text }), stated: purpose?.stated === true },
      at: Date.parse(at),
      answer: answerOf(record),
    };
  };
}

function decodeLoosely(uri: string): string {
  try {
    return decodeURIComponent(uri);
  } catch {
    return uri;
  }
}

/** The tools that there are, and what they touch as far as their arguments tell it: each is asked about a made-up place. */
export function sampleTools(): readonly (SampleTool & { readonly collection: boolean })[] {
  return describeTools()
    .all()
    .map(({ tool: { name, effect, input, touches } }) => {
      const probe = (text: string): readonly Resource[] => {
        try {
          const touched = touches(fill(input, text));
          return Array.isArray(touched) ? (touched as readonly Resource[]) : [];
        } catch {
          return [];
        }
      };
      const files = probe("/probe");
      const urls = files.length === 0 ? probe("https://probe.invalid/") : [];
      const kind = files.length > 0 ? "files" : urls.some((resource) => resource.kind === "url") ? "urls" : "any";
      const collection = files.some((resource) => resource.kind === "path" && resource.collection === true);
      return { name, effect, touches: kind, collection };
    });
}

/** Arguments in which every text that is needed is the same. */
const fill = (input: TObject, text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    (input.required ?? [])
      .filter((key) => (input.properties[key] as { readonly type?: string } | undefined)?.type === "string")
      .map((key) => [key, text]),
  );
