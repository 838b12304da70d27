import type { Labels, Resource } from "@portcullis/contracts";

/** Names one scope of a policy file. `id` is unique in the whole policy set; `file` is the file's name without its folder. */
export interface ScopeRef {
  readonly id: string;
  readonly file: string;
  readonly line: number;
}

/** A token bucket that a scope asks for. `scope` is the scope's id. */
export interface Rate {
  readonly scope: string;
  readonly perMinute: number;
  readonly burst: number;
}

/** What every scope that allowed a call asks of it, together: patterns and rates add up, sizes take the least. */
export interface Obligations {
  /** Patterns in RE2 syntax to mask in the answer. */
  readonly redact: readonly string[];
  readonly maxBytes?: number;
  /** Every bucket must grant. */
  readonly rates: readonly Rate[];
  readonly labels: readonly Labels[];
  /** True when a scope accepts files that have more than one name. */
  readonly hardlinks: boolean;
}

/** Why a call is made; `stated` tells a purpose of the call itself from a client's default one. */
export interface Purpose {
  readonly text?: string;
  readonly stated: boolean;
}

export interface Question {
  readonly subject: string;
  readonly tool: string;
  readonly effect: "read" | "write" | "send";
  readonly resource: Resource;
  readonly purpose: Purpose;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The token or login that the call came with: grants are bound to it. */
  readonly client?: string;
  /** The hash of the exact call: grants of one call are bound to it. */
  readonly call?: string;
}

export type Reason =
  /** No document of the policy names the subject. */
  | "unknown_subject"
  /** No scope of the subject names the tool. */
  | "no_scope"
  /** Scopes name the tool, but none allows the resource. */
  | "no_allow"
  /** A deny pattern covers the resource. */
  | "denied"
  | "purpose_required"
  | "purpose_not_served"
  | "expired"
  /** The tool writes or sends, and only wildcards name it. */
  | "write_not_named"
  | "method_not_named"
  /** The owner has to be asked first. */
  | "consent"
  /** The question cannot be judged, for example because its resource is not in canonical form. */
  | "error";

/** The smallest scope that would allow exactly this resource; `yaml` can be put at the end of any policy file. */
export interface Proposal {
  readonly subject: string;
  readonly scope: {
    readonly tool: string;
    readonly allow: readonly string[];
    readonly methods?: readonly string[];
    readonly purposes?: readonly string[];
  };
  readonly yaml: string;
}

export interface Allow {
  readonly effect: "allow";
  readonly scope: ScopeRef;
  /** Every scope that allows it. */
  readonly scopes: readonly ScopeRef[];
  readonly obligations: Obligations;
}

/** A refusal. `message`, `next` and `proposal` are for the caller: they speak of the caller's own resource and of no other. */
export interface Deny {
  readonly effect: "deny";
  readonly reason: Reason;
  /** The scope that decided, null when none did. */
  readonly scope: ScopeRef | null;
  readonly message: string;
  /** What the caller can do now. */
  readonly next: string;
  /** Null where no further scope would help: a deny pattern, a missing purpose, a pending consent, a resource that cannot be judged. */
  readonly proposal: Proposal | null;
}

export type Verdict = Allow | Deny;
