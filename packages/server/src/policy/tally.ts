import type { Answer } from "./answer.ts";
import type { ScopeRef } from "./verdict.ts";

/** One decision that two policies make differently, or that a policy makes otherwise than it was made. */
export interface Difference {
  readonly subject: string;
  readonly tool: string;
  /** The resource's canonical URI. */
  readonly resource: string;
  readonly from: Answer;
  readonly to: Answer;
  /** The scopes that decide now; those that decided before where no scope does now. */
  readonly scopes: readonly ScopeRef[];
  /** How often the audit holds the call; 0 when nobody asked yet. */
  readonly asked: number;
}

/** Differences of one subject and resource, over all tools. */
export interface Change {
  readonly subject: string;
  readonly tools: readonly string[];
  readonly resource: string;
  readonly from: Answer;
  readonly to: Answer;
  /** Ids of scopes. */
  readonly scopes: readonly string[];
  readonly asked: number;
}

/** Changes of one direction, the most telling first. */
export interface Changes {
  /** Decisions, of all subjects, tools and resources. */
  readonly count: number;
  readonly examples: readonly Change[];
}

export interface Tally {
  add(difference: Difference): void;
  /** What is more open than before, and what is less; at most `most` examples of each. */
  wider(most: number): Changes;
  narrower(most: number): Changes;
}

/** How many changes are told apart; further ones are counted only. */
const mostChanges = 100_000;
const openness: Readonly<Record<Answer, number>> = { deny: 0, ask: 1, allow: 2 };

export function createTally(): Tally {
  const counts = { wider: 0, narrower: 0 };
  const kept = { wider: new Map<string, Draft>(), narrower: new Map<string, Draft>() };
  const tell = (way: "wider" | "narrower", most: number): Changes => ({
    count: counts[way],
    examples: toTelling([...kept[way].values()])
      .slice(0, most)
      .map(({ tools, scopes, ...rest }) => ({ ...rest, tools: [...tools].sort(), scopes: [...scopes].sort() })),
  });
  return {
    add({ subject, tool, resource, from, to, scopes, asked }) {
      if (from === to) return;
      const way = openness[to] > openness[from] ? "wider" : "narrower";
      counts[way] += 1;
      const key = JSON.stringify([subject, resource, from, to]);
      let change = kept[way].get(key);
      if (change === undefined) {
        if (kept[way].size >= mostChanges) return;
        change = { subject, resource, from, to, tools: new Set(), scopes: new Set(), asked: 0 };
        kept[way].set(key, change);
      }
      change.tools.add(tool);
      for (const { id } of scopes) change.scopes.add(id);
      change.asked += asked;
    },
    wider: (most) => tell("wider", most),
    narrower: (most) => tell("narrower", most),
  };
}

interface Draft extends Omit<Change, "tools" | "scopes" | "asked"> {
  readonly tools: Set<string>;
  readonly scopes: Set<string>;
  asked: number;
}

/**
 * The most telling first: what somebody really asked for, then names that sound like secrets, then one of each folder before a second of any.
 */
function toTelling(changes: readonly Draft[]): readonly Draft[] {
  const seen = new Map<string, number>();
  return [...changes]
    .sort((a, b) => (a.resource < b.resource ? -1 : a.resource > b.resource ? 1 : 0))
    .map((change) => {
      const folder = `${change.subject} ${change.resource.slice(0, change.resource.lastIndexOf("/"))}`;
      const nth = seen.get(folder) ?? 0;
      seen.set(folder, nth + 1);
      return { change, nth, sounds: soundsSecret(change.resource) ? 0 : 1 };
    })
    .sort((a, b) => b.change.asked - a.change.asked || a.sounds - b.sounds || a.nth - b.nth)
    .map(({ change }) => change);
}

const secret =
  /\.env|\.git\/|\.ssh|private|secret|shadow|credential|password|token|\.(pem|key|p12|pfx|kdbx|keystore)$|id_(rsa|dsa|ecdsa|ed25519)/i;

/** Whether a URI sounds like a secret: what an owner wants to see first of what a change opens. */
export const soundsSecret = (uri: string): boolean => secret.test(uri);
