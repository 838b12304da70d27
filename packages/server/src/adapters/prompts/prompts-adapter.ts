import { CallError, FilledPrompt, type ListedPrompt, PromptArguments, toPromptUrl } from "@portcullis/contracts";
import type { Adapter, Prompts, Tool } from "../adapter.ts";
import { openPromptFolder, type PromptFolderOptions } from "./folder.ts";
import { fill } from "./template.ts";

/**
 * The owner's prompts as a source: templates that a client fills, each judged as `prompt://NAME`; and those of other servers behind them, judged as
 * `prompt://SERVER/NAME`.
 */
export function createPromptsAdapter(options: PromptFolderOptions, others: readonly Prompts[] = []): Adapter {
  const folder = openPromptFolder(options);
  const get: Tool<PromptArguments, FilledPrompt> = {
    name: "prompts.get",
    title: "Fill a prompt",
    summary: "Gives one of the owner's prompts with its arguments filled in.",
    safety: "Gives only prompts that a policy opens; what is filled in stays plain text.",
    method: true,
    effect: "read",
    labels: {},
    input: PromptArguments,
    output: FilledPrompt,
    touches: ({ name }) => [{ kind: "url", href: toPromptUrl(name), method: "GET" }],
    async run({ name, arguments: given = {} }, { permit, signal }) {
      const template = folder.templates().get(name);
      const listed = template?.listed ?? others.flatMap((one) => one.list()).find((one) => one.name === name);
      if (!listed) throw toMissing(name);
      checkArguments(listed, given);
      if (!template) {
        const asked = { name, arguments: given };
        for (const other of others) {
          const filled = other.get?.(asked, { permit, signal });
          if (filled) return filled;
        }
        throw toMissing(name);
      }
      const text = fill(template, given, permit.maxBytes);
      if (text === undefined)
        throw new CallError("TOO_LARGE", `The prompt would be longer than ${permit.maxBytes} characters.`, {
          details: { limit: permit.maxBytes, next: "Give shorter arguments." },
        });
      const content = { type: "text" as const, text };
      return {
        ...(listed.description !== undefined && { description: listed.description }),
        messages: [{ role: "user", content }],
      };
    },
  };
  return {
    name: "prompts",
    tools: () => [get],
    prompts: {
      version: () => String(folder.version()),
      list: () => [...folder.templates().values()].map(({ listed }) => listed),
    },
    start: (signal) => folder.follow(signal),
  };
}

const toMissing = (name: string): CallError =>
  new CallError("NOT_FOUND", `There is no prompt named ${name}.`, {
    details: { prompt: name, next: "prompts.list tells what there is." },
  });

/** Throws `VALIDATION_ERROR` unless a prompt is given all that it needs, and nothing else. */
function checkArguments(listed: ListedPrompt, given: Readonly<Record<string, string>>): void {
  const unknown = Object.keys(given).find((one) => !listed.arguments.some(({ name }) => name === one));
  const missing = listed.arguments.find((one) => one.required && !Object.hasOwn(given, one.name));
  const at = unknown ?? missing?.name;
  if (at === undefined) return;
  throw new CallError(
    "VALIDATION_ERROR",
    unknown === undefined
      ? `The prompt ${listed.name} needs the argument ${at}.`
      : `The prompt ${listed.name} has no such argument.`,
    {
      details: {
        at: `arguments.${at.slice(0, 64)}`,
        arguments: listed.arguments.map((one) => one.name),
        next: "Give the arguments that prompts.list tells.",
      },
    },
  );
}
