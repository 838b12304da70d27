import { hash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { canonicalJson } from "../policy/canonical-json.ts";

/** A tool as its server describes it: nothing in it is to be trusted. */
export interface Definition {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly input: unknown;
  readonly output?: unknown;
  /** What the server claims of the tool: shown to the owner, and decides nothing. */
  readonly claims?: unknown;
}

export interface Pin {
  readonly hash: string;
  /** ISO 8601: when it was first seen. */
  readonly seen: string;
  readonly definition: Definition;
}

/** What is known of one tool: as the owner accepted it, and as it is now where that is something else. */
export interface Pinned {
  readonly accepted?: Pin;
  readonly held?: Pin;
  /** True when the server does not offer it any more. */
  readonly gone?: true;
}

/** All that is known of a source's tools, by the names that its server gives them. */
export interface PinFile {
  readonly version: 1;
  /** ISO 8601: when the server last told its tools. */
  readonly looked: string;
  /** How many tools the server offered beyond what is taken. */
  readonly left: number;
  readonly tools: Readonly<Record<string, Pinned>>;
}

/** The file that a source's tools are pinned in. */
export const pinPath = (data: string, source: string): string => join(data, "upstream", `${source}.json`);

/** The file that its prompts are pinned in: no source's name holds a dot. */
export const promptPinPath = (data: string, source: string): string => join(data, "upstream", `${source}.prompts.json`);

/** The hash of all that a definition says. */
export const toPinHash = (definition: Definition): string => hash("sha256", canonicalJson(definition));

/** Reads what is pinned; undefined when nothing is. A file that cannot be read is a fault, never an empty one: that would accept everything anew. */
export function readPins(file: string): PinFile | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    const pins = JSON.parse(text) as PinFile;
    if (pins.version === 1 && typeof pins.tools === "object" && pins.tools !== null) return pins;
  } catch {
    // Told below.
  }
  throw new Error(`${file} is damaged: delete it to see all tools of its source anew.`);
}

/** Writes beside the file and renames. */
export function writePins(file: string, pins: PinFile): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}.new`;
  writeFileSync(draft, `${JSON.stringify(pins, null, 1)}\n`, { mode: 0o600 });
  renameSync(draft, file);
}

/** When the file was last written and how long it is; undefined while there is none. */
export function stampOf(file: string): string | undefined {
  const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
  return stat && `${stat.mtimeNs} ${stat.size} ${stat.ino}`;
}

export interface Listing {
  readonly tools: readonly Definition[];
  readonly left: number;
}

export interface Sight {
  readonly listing: Listing;
  /** Whether what was never seen before is taken as it is: only for a source that has nothing pinned yet. */
  readonly trustFirst: boolean;
  readonly now: Date;
}

/** Holds what a server offers now against what is pinned: what has changed or is new waits for its owner. */
export function compare(before: PinFile | undefined, { listing, trustFirst, now }: Sight): PinFile {
  const looked = now.toISOString();
  const tools: Record<string, Pinned> = Object.create(null);
  for (const definition of listing.tools) {
    const pin: Pin = { hash: toPinHash(definition), seen: looked, definition };
    const known = before && Object.hasOwn(before.tools, definition.name) ? before.tools[definition.name] : undefined;
    if (known?.accepted?.hash === pin.hash) tools[definition.name] = { accepted: known.accepted };
    else if (before === undefined && trustFirst) tools[definition.name] = { accepted: pin };
    else {
      const held = known?.held?.hash === pin.hash ? known.held : pin;
      tools[definition.name] = { ...(known?.accepted && { accepted: known.accepted }), held };
    }
  }
  for (const [name, { accepted }] of Object.entries(before?.tools ?? {}))
    if (accepted && !Object.hasOwn(tools, name)) tools[name] = { accepted, gone: true };
  return { version: 1, looked, left: listing.left, tools };
}

/** Takes what is held of these tools as it is now; without names, of all. Answers with the names that there were. */
export function accept(
  pins: PinFile,
  names?: readonly string[],
): { readonly pins: PinFile; readonly taken: readonly string[] } {
  const taken = Object.keys(pins.tools).filter(
    (name) => pins.tools[name]?.held !== undefined && (names === undefined || names.includes(name)),
  );
  const tools = Object.fromEntries(
    Object.entries(pins.tools).map(([name, pinned]): [string, Pinned] =>
      pinned.held && taken.includes(name) ? [name, { accepted: pinned.held }] : [name, pinned],
    ),
  );
  return { pins: { ...pins, tools }, taken };
}

/** Whether two files say the same of every tool: then nothing is written. */
export const saysSame = (a: PinFile | undefined, b: PinFile): boolean =>
  a !== undefined && a.left === b.left && canonicalJson(a.tools) === canonicalJson(b.tools);
