import type { Citation, Flow } from "@portcullis/contracts";

/** A citation with the number that the conversation knows it by. */
export interface NumberedCitation extends Citation {
  readonly number: number;
  readonly title?: string;
}

/** What happens while a model answers, in the order in which it happens. Texts are the model's or the server's as they came: whoever shows them makes them inert. */
export type ChatEvent =
  /** The question is in the audit. */
  | { readonly type: "prompt"; readonly auditId: string }
  | { readonly type: "text" | "thinking"; readonly text: string }
  | {
      readonly type: "call";
      readonly call: number;
      readonly tool: string;
      readonly args: Readonly<Record<string, unknown>>;
      readonly purpose: string;
    }
  | Verdict
  /** The owner can allow a call that was refused. */
  | Asked
  | { readonly type: "decided"; readonly call: number; readonly request: string; readonly state: string }
  /** What this line of work has seen, whenever that grows. */
  | ({ readonly type: "flow" } & Pick<Flow, "private" | "untrusted">)
  /** An answer that a model elsewhere was not given. */
  | {
      readonly type: "withheld";
      readonly call: number;
      readonly host: string;
      readonly private: readonly string[];
      readonly next: string;
    }
  /** Questions that were dropped from the conversation because it grew too long. */
  | { readonly type: "forgotten"; readonly questions: number }
  /** The last: the answer is whole, and in the audit. `cut` when the model had to stop in the middle. */
  | { readonly type: "answer"; readonly text: string; readonly auditId: string; readonly cut: boolean }
  /** The last: nothing of this question stays in the conversation. */
  | { readonly type: "fault"; readonly message: string; readonly next?: string }
  | { readonly type: "stopped" };

/** How a call ended. */
export interface Verdict {
  readonly type: "verdict";
  readonly call: number;
  readonly tool: string;
  readonly ok: boolean;
  readonly auditId: string;
  readonly code?: string;
  readonly message?: string;
  /** What was done to the answer, such as «masked 2 secrets». */
  readonly why: readonly string[];
  readonly untrusted: readonly string[];
  readonly citations: readonly NumberedCitation[];
}

export interface Asked {
  readonly type: "consent";
  readonly call: number;
  readonly request: string;
  readonly expiresAt: string;
  readonly page?: string;
  /** Whether the chat waits for the answer now. */
  readonly waits: boolean;
}
