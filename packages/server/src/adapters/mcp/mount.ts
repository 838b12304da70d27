import { realpath } from "node:fs/promises";
import { dirname } from "node:path";
import type { CallToolResult } from "@modelcontextprotocol/client";
import { CallError } from "@portcullis/contracts";
import type { TObject } from "typebox";
import { createCheck } from "../../upstream/check-value.ts";
import { declare, type Marks } from "../../upstream/marks.ts";
import { toMountName, toToolUrl } from "../../upstream/mount-name.ts";
import type { Definition } from "../../upstream/pins.ts";
import { isObject, type JsonSchema, readArgumentsSchema, SchemaFault } from "../../upstream/read-schema.ts";
import { readTouched } from "../../upstream/touched.ts";
import type { AnyTool, Permit, Tool, Use } from "../adapter.ts";
import type { Asking } from "./asking.ts";
import { readResult, UpstreamResult } from "./result.ts";

export interface MountOptions {
  readonly name: string;
  readonly marks?: Marks;
  readonly home: string;
  readonly cwd: string | undefined;
  readonly asking: Asking;
  tell(message: string, level?: "info"): void;
}

export interface Mounter {
  mount(definitions: readonly Definition[]): readonly AnyTool[];
}

const longestSummary = 1_024;
/** The MCP door takes an argument of this name for itself, so a tool's own goes by another. */
const [taken, instead] = ["purpose", "toolPurpose"];

interface Asked {
  readonly name: string;
  readonly args: Args;
}

type Args = Readonly<Record<string, unknown>>;

/** Turns the accepted tools of a server into tools of ours. */
export function createMounter(options: MountOptions): Mounter {
  const { name: source, tell } = options;
  const mounted = new Map<string, AnyTool | undefined>();
  const call = ({ name, args }: Asked, use: Use): Promise<CallToolResult> => {
    const onprogress = ({ progress, total, message }: Progress): void =>
      use.progress({
        done: progress,
        ...(total !== undefined && { total }),
        ...(message !== undefined && { message: message.slice(0, 500) }),
      });
    const params = { name, arguments: args };
    return options.asking.ask(
      use.signal,
      async (client, limits) => client.callTool(params, { ...limits, onprogress }) as Promise<CallToolResult>,
    );
  };

  const make = (definition: Definition): AnyTool | undefined => {
    const { effect, labels, expose, binary, ...named } = declare(options.marks, definition.name);
    if (!expose) return undefined;
    let schema: JsonSchema;
    try {
      schema = readArgumentsSchema(definition.input);
    } catch (error) {
      if (!(error instanceof SchemaFault)) throw error;
      tell(`The tool ${definition.name} of ${source} cannot be used. ${error.message}`);
      return undefined;
    }
    const name = toMountName(source, definition.name);
    const origin = toToolUrl(source, name);
    const places = { ...named, home: options.home, ...(options.cwd !== undefined && { cwd: options.cwd }) };
    const { shown, back } = rename(schema);
    const tool: Tool<Args, UpstreamResult> = {
      name: `${source}.${name}`,
      title: (definition.title ?? definition.name).slice(0, 200),
      summary: (definition.description ?? "").trim().slice(0, longestSummary) || definition.name,
      safety: `A tool of the upstream server ${source}, which does what it wants with its arguments.`,
      effect,
      labels,
      input: shown as unknown as TObject,
      output: UpstreamResult,
      accepts: createCheck(shown),
      touches: (input) => [{ kind: "url", href: origin, method: "GET" }, ...readTouched(back(input), places).resources],
      async run(input, use) {
        const { args, resources } = readTouched(back(input), places);
        for (const resource of resources) if (resource.kind === "path") await judgeReal(resource.path, use.permit);
        const answer = await call({ name: definition.name, args: args as Args }, use);
        return readResult(answer, { source, origin, untrusted: labels.untrusted !== false, binary });
      },
    };
    return tool;
  };

  return {
    mount: (definitions) =>
      definitions.flatMap((definition) => {
        const key = JSON.stringify(definition);
        if (!mounted.has(key)) {
          if (mounted.size > 1_000) mounted.clear();
          mounted.set(key, make(definition));
        }
        return mounted.get(key) ?? [];
      }),
  };
}

interface Progress {
  readonly progress: number;
  readonly total?: number | undefined;
  readonly message?: string | undefined;
}

/** A schema whose argument `purpose` goes by another name, and the way back. */
function rename(schema: JsonSchema): { readonly shown: JsonSchema; readonly back: (args: Args) => Args } {
  const { properties, required } = schema;
  if (!isObject(properties) || !Object.hasOwn(properties, taken)) return { shown: schema, back: (args) => args };
  const { [taken]: own, ...others } = properties;
  return {
    shown: {
      ...schema,
      properties: { ...others, [instead]: own },
      ...(Array.isArray(required) && { required: required.map((one) => (one === taken ? instead : one)) }),
    },
    back({ [instead]: given, ...args }) {
      return given === undefined ? args : { ...args, [taken]: given };
    },
  };
}

/** A file's real path is judged too; the server opens it by itself, so a link that is swapped in between is out of our hands. */
async function judgeReal(path: string, permit: Permit): Promise<void> {
  for (let at = path, below = ""; ; ) {
    try {
      const real = `${await realpath(at)}${below}`.replace(/^\/\//, "/");
      if (real === path || permit.allows({ kind: "path", path: real })) return;
      throw new CallError("PERMISSION_DENIED", `What ${path} leads to is not allowed.`, {
        details: {
          scope: null,
          reason: "link",
          resource: `file://${path}`,
          smallestScope: null,
          next: "Name the file itself.",
        },
      });
    } catch (error) {
      if (error instanceof CallError) throw error;
      if ((error as NodeJS.ErrnoException).code !== "ENOENT" || at === "/") return;
      below = `/${at.slice(at.lastIndexOf("/") + 1)}${below}`;
      at = dirname(at);
    }
  }
}
