import type { PromptMessage } from "@modelcontextprotocol/client";
import { CallError, type FilledPrompt, type Labels, type ListedPrompt } from "@portcullis/contracts";
import { declare, type Marks } from "../../upstream/marks.ts";
import { toPromptName } from "../../upstream/mount-name.ts";
import type { Definition } from "../../upstream/pins.ts";
import type { Prompts } from "../adapter.ts";
import type { Asking } from "./asking.ts";

export interface MountedPrompts {
  readonly name: string;
  readonly marks?: Marks;
  readonly asking: Asking;
  /** Those that are accepted, and still what was accepted. */
  accepted(): readonly Definition[];
  version(): string;
}

const mostMessages = 100;

/** The prompts of a server as prompts of ours: `NAME.prompt`, judged as `prompt://NAME/prompt`, as they were accepted. */
export function mountPrompts({ name: source, marks, asking, accepted, version }: MountedPrompts): Prompts {
  const { labels, expose } = declare(marks, "*");
  const { effect: _, ...known } = labels;
  const own: Labels = known;
  const find = (name: string): Definition | undefined =>
    accepted().find((definition) => toPromptName(source, definition.name) === name);
  return {
    version,
    list: () => (expose ? accepted().map((definition) => toListed(source, definition)) : []),
    labelsOf: (name) => (name.startsWith(`${source}.`) ? own : undefined),
    get({ name, arguments: given = {} }, { permit, signal }) {
      const definition = expose ? find(name) : undefined;
      if (!definition) return undefined;
      return asking
        .ask(signal, (client, limits) => client.getPrompt({ name: definition.name, arguments: { ...given } }, limits))
        .then(({ messages }) => {
          const filled: FilledPrompt = {
            ...(definition.description !== undefined && { description: definition.description }),
            messages: messages.slice(0, mostMessages).map(toMessage),
          };
          const length = filled.messages.reduce((sum, { content }) => sum + content.text.length, 0);
          if (length <= permit.maxBytes) return filled;
          throw new CallError("TOO_LARGE", `The prompt is longer than ${permit.maxBytes} characters.`, {
            details: { limit: permit.maxBytes, source },
          });
        });
    },
  };
}

function toListed(source: string, { name, title, description, input }: Definition): ListedPrompt {
  const args = Array.isArray(input) ? (input as ListedPrompt["arguments"]) : [];
  return {
    name: toPromptName(source, name),
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    arguments: args.map(({ name, description, required }) => ({
      ...{ name, required: required === true },
      ...(description !== undefined && { description }),
    })),
  };
}

/** Words stay words; what is not text is told and left out. */
function toMessage({ role, content }: PromptMessage): FilledPrompt["messages"][number] {
  return { role, content: { type: "text", text: toText(content) } };
}

function toText(content: PromptMessage["content"]): string {
  switch (content.type) {
    case "text":
      return content.text;
    case "resource":
      return "text" in content.resource ? content.resource.text : "(bytes of a resource were left out)";
    case "resource_link":
      return content.uri;
    default:
      return `(${content.type} was left out)`;
  }
}
