import type { ParseArgsOptionDescriptor } from "node:util";
import type { Environment } from "../config/read-settings.ts";
import type { Exit } from "./exit.ts";
import type { Output } from "./output.ts";

export type Values = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

export interface Invocation {
  readonly values: Values;
  readonly positionals: readonly string[];
  readonly output: Output;
  readonly env: Environment;
  /** The data folder that the command works on. */
  readonly data: string;
}

/** One verb of the command line. `run` answers the exit status; it throws `CommandError` for what it cannot do. */
export interface Command {
  /** Shown after the verb in the usage line. */
  readonly usage: string;
  readonly summary: string;
  readonly options: Readonly<Record<string, ParseArgsOptionDescriptor & { readonly help: string }>>;
  run(invocation: Invocation): Promise<Exit>;
}

/** An option's text, when it was given. */
export const text = (values: Values, name: string): string | undefined => {
  const value = values[name];
  return typeof value === "string" ? value : undefined;
};

/** The options that every command takes. */
export const common = {
  data: { type: "string", help: "the data folder (default: PORTCULLIS_DATA, else portcullis in XDG's data home)" },
  config: {
    type: "string",
    help: "the configuration file (default: PORTCULLIS_CONFIG, else portcullis.yaml in the data folder)",
  },
  json: { type: "boolean", help: "print JSON" },
  help: { type: "boolean", short: "h", help: "show this" },
} as const;
