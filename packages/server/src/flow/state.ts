/** The call by which a label came into a flow: what a refusal names. */
export interface Seen {
  readonly label: string;
  readonly tool: string;
  /** The call's audit id. */
  readonly call: string;
}

/**
 * What a line of work has been given: private compartments and untrusted origins, each with the call that first brought it. The model may copy
 * anything of it into any later argument. It only grows.
 */
export interface FlowState {
  readonly private: readonly Seen[];
  readonly untrusted: readonly Seen[];
}

/** What a read adds. */
export interface Reads {
  readonly private: readonly string[];
  readonly untrusted: readonly string[];
}

/** Stands for every label there is: only a clearance of `*` covers it. */
export const any = "*";

export const empty: FlowState = { private: [], untrusted: [] };

/** The state of a flow of which nothing is known any more: it may have seen everything. */
export const full = (why: Omit<Seen, "label">): FlowState => ({
  private: [toSeen(any, why)],
  untrusted: [toSeen(any, why)],
});

const toSeen = (label: string, { tool, call }: Omit<Seen, "label">): Seen => ({ label, tool, call });

/** The most labels of one kind that are told apart; what comes on top of them counts as all. */
const most = 64;

/** The state with what a call adds; the same object when that is nothing new. */
export function join(state: FlowState, reads: Reads, by: Omit<Seen, "label">): FlowState {
  const own = add(state.private, reads.private, by);
  const others = add(state.untrusted, reads.untrusted, by);
  return own === state.private && others === state.untrusted ? state : { private: own, untrusted: others };
}

function add(seen: readonly Seen[], labels: readonly string[], by: Omit<Seen, "label">): readonly Seen[] {
  const known = new Set(seen.map(({ label }) => label));
  if (known.has(any)) return seen;
  const added = [...new Set(labels)].filter((label) => !known.has(label));
  if (added.length === 0) return seen;
  if (added.includes(any) || seen.length + added.length > most) return [...seen, toSeen(any, by)];
  return [...seen, ...added.map((label) => toSeen(label, by))];
}

export const labelsOf = (state: FlowState): Reads => ({
  private: state.private.map(({ label }) => label),
  untrusted: state.untrusted.map(({ label }) => label),
});

/** A state as text, for a store. */
export const writeState = (state: FlowState): string => JSON.stringify(state);

/** The state that a text holds; undefined for a text that is none. */
export function readState(text: string): FlowState | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { private: own, untrusted } = (value ?? {}) as Partial<FlowState>;
  return areSeen(own) && areSeen(untrusted) ? { private: own, untrusted } : undefined;
}

const areSeen = (value: unknown): value is readonly Seen[] =>
  Array.isArray(value) &&
  value.every(
    (one: Partial<Seen> | null) =>
      typeof one?.label === "string" && typeof one.tool === "string" && typeof one.call === "string",
  );

/** Labels of something that was written, as text. */
export const writeReads = (reads: Reads): string => JSON.stringify(reads);

/** The labels that a text holds. What cannot be read may be anything. */
export function readReads(text: string): Reads {
  try {
    const { private: own, untrusted } = (JSON.parse(text) ?? {}) as Partial<Reads>;
    if (areTexts(own) && areTexts(untrusted)) return { private: own, untrusted };
  } catch {
    // Told below.
  }
  return { private: [any], untrusted: [any] };
}

const areTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === "string");

/** All labels of both. */
export const union = (one: Reads, other: Reads): Reads => ({
  private: [...new Set([...one.private, ...other.private])],
  untrusted: [...new Set([...one.untrusted, ...other.untrusted])],
});
