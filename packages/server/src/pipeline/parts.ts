import type { Conceal } from "../audit/conceal.ts";
import type { Digest } from "../audit/keys.ts";
import type { Consent } from "../consent/consent.ts";
import type { OAuthAccess } from "../identity/oauth/access.ts";
import type { Pair } from "../identity/pairing.ts";
import type { Vigil } from "../identity/vigil.ts";
import type { Policy } from "../policy/compile.ts";
import type { CompiledPatterns, Redactor } from "../redaction/redactor.ts";
import type { AuditLog, RateCounter, SessionStore, TokenStore } from "../stores/store.ts";
import type { TurnCounter } from "../stores/turn-counter.ts";
import type { Flows } from "./flows.ts";
import type { InFlight } from "./in-flight.ts";
import type { Metrics } from "./metrics.ts";
import type { Registry } from "./registry.ts";
import type { Spans } from "./spans.ts";
import type { Streams } from "./streams.ts";
import type { Subscriptions } from "./subscriptions.ts";
import type { TurnHandles } from "./turn-handle.ts";
import type { TurnWork } from "./turn-work.ts";

export interface Limits {
  /** Tool calls in one turn. */
  readonly turnCalls: number;
  /** Tool calls of one token over all its turns within `turnWindowMs`. */
  readonly turnCeiling: number;
  /** A turn closes after this long without a call. */
  readonly turnIdleMs: number;
  readonly turnWindowMs: number;
  /** How long one call may take. */
  readonly callMs: number;
  /** How many calls of one token may run at once. */
  readonly concurrentCalls: number;
  /** The most bytes that one answer may hold where no scope says less. */
  readonly maxBytes: number;
}

/** What the corridor keeps its own faults in: never read by a caller. */
export interface FaultLog {
  error(facts: Readonly<Record<string, unknown>>, message: string): void;
}

/** Everything that the stages work with; made once, in assemble.ts. */
export interface Parts {
  readonly registry: Registry;
  /** The policy in force, with the owner's grants. */
  readonly policy: () => Policy;
  readonly tokens: TokenStore;
  readonly sessions: SessionStore;
  /** Reads the access tokens of clients that logged in. */
  readonly oauth: OAuthAccess;
  /** Gives a script in a browser its token, for a code of the owner's. */
  readonly pair: Pair;
  /** What the owner is asked, and what they allowed beside the policy. */
  readonly consent: Consent;
  /** Ends what is open when its login has ended. */
  readonly vigil: Vigil;
  readonly rates: RateCounter;
  readonly turns: TurnCounter;
  readonly turnHandles: TurnHandles;
  readonly turnWork: TurnWork;
  /** What each line of work has been given. */
  readonly flows: Flows;
  readonly audit: AuditLog;
  /** The HMAC that stands for a value in the audit. */
  readonly digest: Digest;
  /** What the audit keeps of arguments. */
  readonly conceal: Conceal;
  /** What is not well, though calls are taken. */
  readonly warnings: () => readonly string[];
  /** Why no call can be taken, beside the audit's own reasons. */
  readonly faults: () => readonly string[];
  /** What is kept by an engine that is away. */
  readonly degraded: () => readonly string[];
  readonly redactor: Redactor;
  /** What becomes of a call whose arguments carry a secret off this machine. */
  readonly argumentSecrets: "refuse" | "allow";
  /** Patterns of policy scopes, compiled once per list. */
  readonly compilePatterns: (patterns: readonly string[]) => CompiledPatterns;
  readonly inFlight: InFlight;
  readonly subscriptions: Subscriptions;
  readonly streams: Streams;
  readonly limits: Limits;
  readonly metrics: Metrics;
  /** Undefined where nobody follows traces. */
  readonly spans?: Spans | undefined;
  readonly log: FaultLog;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Nanoseconds of a clock that never steps back. */
  readonly ticks: () => bigint;
  readonly version: string;
  /** Names this life of the process in the audit. */
  readonly boot: string;
}
