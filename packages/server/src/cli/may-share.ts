import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Invocation, text } from "./command.ts";

/**
 * Whether the settings could name engines. Reading them takes most of a second of a short command, so they are not read where neither the file nor the
 * environment has the word: a key can be written without it only by an escape.
 */
export function mayShare({ data, env, values }: Invocation): boolean {
  if (Object.keys(env).some((name) => name.startsWith("PORTCULLIS_STORES"))) return true;
  const named = text(values, "config") ?? env.PORTCULLIS_CONFIG;
  const file = named ?? join(data, "portcullis.yaml");
  // One that was named and is not there is told of by whoever reads it.
  if (!existsSync(file)) return named !== undefined;
  return /stores|\\/.test(readFileSync(file, "utf8"));
}
