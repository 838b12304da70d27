import { type Static, Type } from "typebox";
import { mapOf } from "./map-of.ts";
import { Trace } from "./schemas.ts";

const closed = { additionalProperties: false } as const;

/** What a prompt may be called: it stands in policies as `prompt://NAME`. */
export const promptNamePattern = "^[a-z][a-z0-9_-]{0,63}$";

/** What a prompt of another server is called: its server's name goes before it. */
const givenPromptPattern = "^[a-z][a-z0-9_-]{0,63}(?:\\.[a-z][a-z0-9_-]{0,63})?$";

/** How policies name a prompt: `prompt://NAME`, or `prompt://SERVER/NAME`. */
export const toPromptUrl = (name: string): string => `prompt://${name.replace(".", "/")}`;

const PromptArgument = Type.Object(
  { name: Type.String(), description: Type.Optional(Type.String()), required: Type.Boolean() },
  closed,
);

/** A prompt as lists tell of it. */
export const ListedPrompt = Type.Object(
  {
    name: Type.String(),
    title: Type.Optional(Type.String()),
    description: Type.Optional(Type.String()),
    arguments: Type.Array(PromptArgument),
  },
  { ...closed, $id: "ListedPrompt", title: "ListedPrompt" },
);
export type ListedPrompt = Static<typeof ListedPrompt>;

export const PromptList = Type.Object(
  { prompts: Type.Array(ListedPrompt), nextCursor: Type.Optional(Type.String()) },
  { ...closed, $id: "PromptList", title: "PromptList" },
);
export type PromptList = Static<typeof PromptList>;

/** What a prompt is filled with. */
export const PromptArguments = Type.Object(
  {
    name: Type.String({ pattern: givenPromptPattern, description: "The prompt's name." }),
    arguments: Type.Optional(
      mapOf(Type.String({ maxLength: 262_144 }), {
        maxProperties: 32,
        description: "Texts that are put in as they are, by the names of the prompt's arguments.",
      }),
    ),
  },
  closed,
);
export type PromptArguments = Static<typeof PromptArguments>;

export const FilledPrompt = Type.Object(
  {
    description: Type.Optional(Type.String()),
    messages: Type.Array(
      Type.Object(
        {
          role: Type.Enum(["user", "assistant"]),
          content: Type.Object({ type: Type.Literal("text"), text: Type.String() }, closed),
        },
        closed,
      ),
    ),
  },
  { ...closed, $id: "FilledPrompt", title: "FilledPrompt" },
);
export type FilledPrompt = Static<typeof FilledPrompt>;

export const promptSchemas = {
  "prompts.list": {
    params: Type.Object(
      {
        cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 4_096 })),
        trace: Type.Optional(Trace),
      },
      closed,
    ),
    result: PromptList,
  },
  "prompts.get": {
    params: Type.Object({ ...PromptArguments.properties, trace: Type.Optional(Trace) }, closed),
    result: FilledPrompt,
  },
} as const;
