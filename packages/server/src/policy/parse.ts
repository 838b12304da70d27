import { PolicyDocument } from "./document.ts";
import { prune } from "./prune.ts";
import { readYaml, type YamlDocument, type YamlFile, type YamlText } from "./yaml-document.ts";

/** One policy file as text. */
export type PolicyText = YamlText;

export type ParsedDocument = YamlDocument<PolicyDocument>;

/** Parses a policy file: one document or several. */
export const parsePolicy = (text: PolicyText): YamlFile<PolicyDocument> =>
  readYaml(text, { schema: PolicyDocument, prune });
