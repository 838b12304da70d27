import { hash } from "node:crypto";

/** The tool by which a server's resources are read: none of its own goes by that name. */
export const readResourceName = "readResource";

/** The longest name of a tool that every client takes, its source's included. */
const longest = 60;

/**
 * The name of a stranger's tool here, behind its source's: its own where that is letters, digits, `_` and `-`, else with what it may not have
 * replaced and a mark behind it, so that two tools never get one name.
 */
export function toMountName(source: string, name: string): string {
  const room = longest - source.length - 1;
  if (/^[A-Za-z][A-Za-z0-9_-]*$/.test(name) && name.length <= room && name !== readResourceName) return name;
  const mark = hash("sha256", name).slice(0, 8);
  const plain = name.replace(/[^A-Za-z0-9_-]+/g, "_").replace(/^[^A-Za-z]+/, "");
  return `${(plain || "tool").slice(0, room - 9)}_${mark}`;
}

/** The URL by which policy judges a tool of an upstream server. */
export const toToolUrl = (source: string, mounted: string): string => `mcp://${source}/${mounted}`;

/** What a stranger's prompt is called here: behind its source's name and a dot, as a policy can name it. */
export function toPromptName(source: string, name: string): string {
  if (/^[a-z][a-z0-9_-]{0,63}$/.test(name)) return `${source}.${name}`;
  const mark = hash("sha256", name).slice(0, 8);
  const plain = name
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, "_")
    .replace(/^[^a-z]+/, "");
  return `${source}.${(plain || "prompt").slice(0, 50)}_${mark}`;
}
