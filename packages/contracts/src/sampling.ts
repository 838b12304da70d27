import { type Static, Type } from "typebox";
import { Trace } from "./schemas.ts";

const closed = { additionalProperties: false } as const;

const Message = Type.Object(
  {
    role: Type.Enum(["user", "assistant"]),
    content: Type.Object({ type: Type.Literal("text"), text: Type.String({ maxLength: 1_048_576 }) }, closed),
  },
  closed,
);

/** What a model is asked. */
export const SamplingArguments = Type.Object(
  {
    model: Type.Optional(
      Type.String({
        pattern: "^[a-z][a-z0-9_-]{0,63}$",
        description: "One of the owner's models by its name here; by default the first.",
      }),
    ),
    messages: Type.Array(Message, { minItems: 1, maxItems: 256, description: "The conversation, oldest first." }),
    systemPrompt: Type.Optional(Type.String({ maxLength: 262_144 })),
    maxTokens: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1_000_000, description: "At most as many as the owner allows." }),
    ),
    temperature: Type.Optional(Type.Number({ minimum: 0, maximum: 2 })),
    stopSequences: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { maxItems: 4 })),
  },
  closed,
);
export type SamplingArguments = Static<typeof SamplingArguments>;

export const Completion = Type.Object(
  {
    role: Type.Literal("assistant"),
    content: Type.Object({ type: Type.Literal("text"), text: Type.String() }, closed),
    model: Type.String({ description: "The model's name here." }),
    stopReason: Type.Enum(["endTurn", "stopSequence", "maxTokens", "other"]),
    usage: Type.Optional(
      Type.Object(
        {
          inputTokens: Type.Optional(Type.Integer({ minimum: 0 })),
          outputTokens: Type.Optional(Type.Integer({ minimum: 0 })),
        },
        closed,
      ),
    ),
  },
  { ...closed, $id: "Completion", title: "Completion" },
);
export type Completion = Static<typeof Completion>;

export const samplingSchemas = {
  "sampling.create": {
    params: Type.Object({ ...SamplingArguments.properties, trace: Type.Optional(Trace) }, closed),
    result: Completion,
  },
} as const;
