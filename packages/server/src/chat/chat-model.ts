/** A call that a model has asked for. `args` is its JSON, which may be none. */
export interface AskedCall {
  readonly id: string;
  readonly name: string;
  readonly args: string;
}

export type ChatMessage =
  | { readonly role: "system" | "user"; readonly text: string }
  | { readonly role: "assistant"; readonly text: string; readonly calls: readonly AskedCall[] }
  | { readonly role: "tool"; readonly call: AskedCall; readonly text: string };

/** A tool as a model is told of it. */
export interface OfferedTool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments. */
  readonly input: Readonly<Record<string, unknown>>;
}

/** What a model says, as it comes. `end` comes last, and once. */
export type ModelPiece =
  | { readonly kind: "text" | "thinking"; readonly text: string }
  | { readonly kind: "call"; readonly call: AskedCall }
  | { readonly kind: "end"; readonly cut: boolean };

/** A model that talks and asks for tools. Faults are a `ModelFault`, or the signal's reason. */
export interface ChatModel {
  /** The owner's name for it. */
  readonly name: string;
  /** The host that it is told everything by; undefined for a model on this machine. */
  readonly host?: string | undefined;
  /** The private compartments that a host elsewhere may be told of; `*` for all. */
  readonly clearance: readonly string[];
  answer(
    messages: readonly ChatMessage[],
    tools: readonly OfferedTool[],
    signal: AbortSignal,
  ): AsyncGenerator<ModelPiece>;
}

/** A model that could not be asked or whose answer is none; the message is for the owner. */
export class ModelFault extends Error {
  readonly next: string;

  constructor(message: string, next: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "ModelFault";
    this.next = next;
  }
}

/** Bounds on what one answer of a model may be. */
export const mostOfAnswer = { characters: 1_048_576, argumentCharacters: 262_144, calls: 32 } as const;

/** Enforces the bounds on what comes from a model's host, whatever its library made of it. */
export async function* bounded(pieces: AsyncIterable<ModelPiece>): AsyncGenerator<ModelPiece> {
  let [characters, calls] = [0, 0];
  for await (const piece of pieces) {
    if (piece.kind === "text" || piece.kind === "thinking") characters += piece.text.length;
    if (piece.kind === "call") calls += 1;
    const tooMuch = characters > mostOfAnswer.characters || calls > mostOfAnswer.calls;
    if (tooMuch || (piece.kind === "call" && piece.call.args.length > mostOfAnswer.argumentCharacters))
      throw new ModelFault("The model answered with more than is taken at once.", "Ask for less.");
    yield piece;
  }
}
