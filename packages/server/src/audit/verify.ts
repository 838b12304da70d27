import type { AuditLog, Head, StoredRecord } from "../stores/store.ts";
import { genesis, linkHash } from "./chain.ts";
import { createProofs, type ProofOptions, type Proven } from "./proofs.ts";
import { type AuditRecord, isOutcome, parseRecord, recoveryName, unknownOutcome } from "./record.ts";

/**
 * What is wrong with a record: its text or hash was changed (`altered`), it does not follow the one before (`link`), records before it are
 * gone (`missing`), it stands here a second time (`duplicate`), it belongs further down (`reordered`), what was acknowledged after it is
 * gone (`truncated`) or went with the machine's power (`lost`), it is a last one that nobody was told of, half written (`torn`), or a
 * signed checkpoint says otherwise (`checkpoint`).
 */
export type Damage =
  | "altered"
  | "link"
  | "missing"
  | "duplicate"
  | "reordered"
  | "truncated"
  | "lost"
  | "torn"
  | "checkpoint"
  | "unreadable";

export interface Fault {
  readonly kind: Damage;
  /** The first bad record. */
  readonly seq: number;
  readonly message: string;
}

/** An effect whose intent was recorded and whose outcome never was. */
export interface Unfinished {
  readonly id: string;
  readonly seq: number;
  readonly tool: string | undefined;
}

export interface Verification {
  readonly status: "ok" | "tampered" | "incomplete" | "unreadable";
  /** The command's exit status: 0, 1, 2 and 3 in the order above. */
  readonly exit: 0 | 1 | 2 | 3;
  /** Records found good. */
  readonly records: number;
  /** The last good record: what a later check may start from, or be held against. */
  readonly head: Head | undefined;
  readonly fault?: Fault;
  /** Intents without an outcome: the first hundred. */
  readonly unfinished: readonly Unfinished[];
  readonly unfinishedCount: number;
  /** Effects whose process died, and of which the log says that nobody knows what became of them. */
  readonly unknown: number;
  /** What signed checkpoints prove; undefined when none were asked. */
  readonly proven?: Proven;
}

export interface Expected extends Head {
  /** True when the machine's power may have taken acknowledged records with it. */
  readonly perishable?: boolean;
}

export interface VerifyOptions {
  /** A record known to be good: only what follows it is checked. */
  readonly after?: Head | undefined;
  /** What the log must hold at least: the head that was kept outside of it. Read it before the log. */
  readonly expected?: Expected | undefined;
  /** Lives of processes that still run: their intents are in flight, not unfinished. */
  readonly running?: ReadonlySet<string> | undefined;
  /** The last record to check; what follows it is left aside, checkpoints over it included. */
  readonly until?: number | undefined;
  /** Signed checkpoints, read before the log. */
  readonly proofs?: ProofOptions | undefined;
}

const batch = 1_000;

/**
 * Walks the chain from its first record, or from `after`, and stops at the first that is bad. It finds whatever is changed, dropped, swapped
 * or doubled in the log, and a cut end as far as `expected` reaches. What it cannot find is a history rewritten as a whole by someone who
 * can write both the log and the head: that takes a witness elsewhere. Never rejects.
 */
export async function verifyChain(log: Pick<AuditLog, "read">, options: VerifyOptions = {}): Promise<Verification> {
  const walk = createWalk(options);
  try {
    for (;;) {
      const records = await log.read(walk.position(), batch);
      for (const record of records) {
        if (record.seq > (options.until ?? Number.POSITIVE_INFINITY)) return walk.end(undefined);
        const fault = walk.step(record);
        if (fault) return walk.end(await asTorn(log, fault, options.expected));
      }
      if (records.length < batch) return walk.end(walk.tail());
    }
  } catch (error) {
    return { ...walk.end(undefined), status: "unreadable", exit: 3, fault: unreadable(walk.position(), error) };
  }
}

const unreadable = (position: number, error: unknown): Fault => ({
  kind: "unreadable",
  seq: position + 1,
  message: `The log cannot be read after record ${position}: ${error instanceof Error ? error.message : String(error)}`,
});

/** A record that is the last, and that nobody was told of, may be half written without anyone's ill will. */
async function asTorn(log: Pick<AuditLog, "read">, fault: Fault, expected: Head | undefined): Promise<Fault> {
  if (fault.kind !== "altered" || expected === undefined || fault.seq <= expected.seq) return fault;
  if ((await log.read(fault.seq, 1)).length > 0) return fault;
  return {
    ...fault,
    kind: "torn",
    message: `Record ${fault.seq} is damaged, but it is the last and was never acknowledged: a torn write.`,
  };
}

function createWalk({ after, expected, running, proofs: options }: VerifyOptions) {
  const proofs = options && createProofs(options);
  let unknown = 0;
  let seq = after?.seq ?? 0;
  let previous = after?.hash ?? genesis;
  let records = 0;
  let recovered: Fault | undefined;
  const open = new Map<string, Unfinished & { readonly boot: string }>();

  const note = (record: AuditRecord): void => {
    if (record.kind === "intent")
      open.set(record.id, { id: record.id, seq: record.seq, tool: record.tool, boot: record.boot });
    else if (isOutcome(record)) {
      if (record.outcome === unknownOutcome) unknown += 1;
      open.delete(record.id);
    } else if (record.kind === "system" && record.method === recoveryName) {
      // A process that died, or a half record that nobody was told of, takes nothing from what was acknowledged.
      if (record.outcome !== "lost" && record.outcome !== "truncated") return;
      recovered ??= {
        kind: record.outcome,
        seq: record.seq,
        message: record.reason ?? "Acknowledged records were gone when the log was opened.",
      };
    }
  };

  return {
    position: (): number => seq,

    step(stored: StoredRecord): Fault | undefined {
      const record = judge(stored, seq, previous);
      if ("message" in record) return record;
      if (expected?.seq === stored.seq && expected.hash !== stored.hash) {
        return {
          kind: "link",
          seq: stored.seq,
          message: `Record ${stored.seq} is not the one that was acknowledged: the log was rewritten from there or before.`,
        };
      }
      const disproved = proofs?.step(record, stored.hash);
      if (disproved) return disproved;
      note(record);
      seq = stored.seq;
      previous = stored.hash;
      records++;
      return undefined;
    },

    /** Judges what should stand after the last record. */
    tail(): Fault | undefined {
      const disproved = proofs?.tail(seq);
      if (disproved) return disproved;
      if (expected === undefined || expected.seq <= seq) return recovered;
      const [kind, cause] = expected.perishable
        ? (["lost", "lost with the machine's power, or removed"] as const)
        : (["truncated", "removed"] as const);
      return {
        kind,
        seq: seq + 1,
        message: `${spell(seq + 1, expected.seq)} missing from the end of the log, though acknowledged: ${cause}.`,
      };
    },

    end(fault: Fault | undefined): Verification {
      const left = [...open.values()]
        .filter(({ boot }) => !running?.has(boot))
        .map(({ id, seq, tool }) => ({ id, seq, tool }));
      const soft = fault === undefined ? left.length > 0 : fault.kind === "torn" || fault.kind === "lost";
      const status = soft ? "incomplete" : fault ? "tampered" : "ok";
      return {
        status,
        exit: status === "ok" ? 0 : status === "tampered" ? 1 : 2,
        records,
        head: seq === 0 ? undefined : { seq, hash: previous },
        ...(fault && { fault }),
        unfinished: left.slice(0, 100),
        unfinishedCount: left.length,
        unknown,
        ...(proofs && { proven: proofs.proven() }),
      };
    },
  };
}

/** The record behind what is stored when it follows `seq` and `previous`, else what is wrong with it. */
function judge(stored: StoredRecord, seq: number, previous: string): AuditRecord | Fault {
  const fault = (kind: Damage, message: string, at: number = stored.seq): Fault => ({ kind, seq: at, message });
  const wanted = seq + 1;
  if (stored.seq > wanted) return fault("missing", `${spell(wanted, stored.seq - 1)} missing.`, wanted);
  if (stored.seq < wanted) {
    return stored.seq === seq
      ? fault("duplicate", `Record ${stored.seq} stands twice.`)
      : fault("reordered", `Record ${stored.seq} stands after record ${seq}.`);
  }
  const record = read(stored.body);
  if (record?.seq === wanted && record.previous === previous && linkHash(previous, stored.body) === stored.hash)
    return record;
  // From here on something is wrong; what follows only finds the best name for it.
  if (record === undefined || !isHash(record.previous) || linkHash(record.previous, stored.body) !== stored.hash) {
    return fault("altered", `Record ${wanted} is not what was written: its text or its hash was changed.`);
  }
  if (record.seq < wanted)
    return fault("duplicate", `Record ${record.seq} stands again in the place of record ${wanted}.`);
  if (record.seq > wanted) return fault("reordered", `Record ${record.seq} stands in the place of record ${wanted}.`);
  return fault("link", `Record ${wanted} does not follow record ${seq} as it is now: one of the two was replaced.`);
}

const isHash = (value: unknown): boolean => typeof value === "string" && /^[0-9a-f]{64}$/.test(value);

function read(body: unknown): AuditRecord | undefined {
  try {
    return typeof body === "string" ? parseRecord(body) : undefined;
  } catch {
    return undefined;
  }
}

const spell = (from: number, to: number): string =>
  from === to ? `Record ${from} is` : `Records ${from} to ${to} are`;
