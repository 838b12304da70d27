import { hash } from "node:crypto";
import { canonicalJson } from "../policy/canonical-json.ts";

/** Names one exact call: a tool with its arguments, to the byte, whatever the order of their keys. SHA-256 in hex. */
export const toCallHash = (tool: string, args: unknown): string => hash("sha256", canonicalJson([tool, args]), "hex");

/** Names one question to the owner: the same call by the same client of the same subject. SHA-256 in hex. */
export const toQuestionHash = (subject: string, client: string, call: string): string =>
  hash("sha256", canonicalJson([subject, client, call]), "hex");
