import { hash } from "node:crypto";

/** The longest name of a tool that every client takes, its source's included. */
const longest = 60;

/**
 * The name of a stranger's tool here, behind its source's: its own where that is letters, digits, `_` and `-`, else with what it may not have
 * replaced and a mark behind it, so that two tools never get one name.
 */
export function toMountName(source: string, name: string): string {
  const room = longest - source.length - 1;
  if (/^[A-Za-z][A-Za-z0-9_-]*$/.test(name) && name.length <= room) return name;
  const mark = hash("sha256", name).slice(0, 8);
  const plain = name.replace(/[^A-Za-z0-9_-]+/g, "_").replace(/^[^A-Za-z]+/, "");
  return `${(plain || "tool").slice(0, room - 9)}_${mark}`;
}

/** The URL by which policy judges a tool of an upstream server. */
export const toToolUrl = (source: string, mounted: string): string => `mcp://${source}/${mounted}`;
