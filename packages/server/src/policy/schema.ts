import { ofAllows } from "./compile-scope.ts";
import { PolicyDocument } from "./document.ts";
import { momentPattern } from "./moment.ts";
import { idPattern } from "./name-pattern.ts";

type Json = Readonly<Record<string, unknown>>;

/** No control characters, empty or dotted segments, slash at the end, or characters that mean nothing. */
const path = String.raw`(?!.*\p{Cc})(?!.*\/\/)(?!.+\/$)(?!.*\/\.{1,2}(?:\/|$))`;
const place = String.raw`\/|~(?:\/|$)|@[^\/]+(?:\/|$)`;
const rest = String.raw`(?:[^\\\[\]{}]|\\[*?\[\]{}()!@+~\\])*$`;
const url = String.raw`[hH][tT][tT][pP][sS]?:\/\/[^\s\p{Cc}\\#@\/?]+(?:[\/?][^\s\p{Cc}\\#]*)?$`;
const allowed = `^(?:${url}|${path}(?:${place})${rest})`;
const denied = `^(?:${url}|${path}(?:${place}|${String.raw`\*\*(?:\/|$)`})${rest})`;
const name = (separator: string, wild: string): string =>
  String.raw`(?!.*[\s\p{Cc}\\\[\]{}])(?!.*\*\*)(?!.*${wild}\()(?!${separator})(?!.*${separator}${separator})(?!.*${separator}$)`;
const subject = `^(?:group:|${name("@", "[+!?*]")})`;
const tool = `^${name("\\.", "[@+!?*]")}`;

/** The schema with further words at one place in it. */
function at(schema: Json, [key, ...keys]: readonly string[], words: Json): Json {
  if (key === undefined) return { ...schema, ...words };
  return { ...schema, [key]: at((schema[key] ?? {}) as Json, keys, words) };
}

const textOrTexts = (schema: Json, key: string, pattern: string): Json => {
  const { anyOf } = (schema.properties as Readonly<Record<string, { readonly anyOf: readonly Json[] }>>)[key] ?? {};
  const told = anyOf?.map((choice) =>
    choice.type === "array" ? at(choice, ["items"], { pattern }) : { ...choice, pattern },
  );
  return at(schema, ["properties", key], { anyOf: told });
};

/**
 * The JSON Schema of a policy document, for editors: the declaration that the loader checks files with, and as much of what the loader checks beyond it as
 * a schema can say. It never refuses what the loader accepts. What it cannot know is left to the loader: which groups, folders and tools there are,
 * whether an id stands twice, whether a day exists, and the finer points of patterns.
 */
export function toPolicySchema(): Json {
  let document = JSON.parse(JSON.stringify(PolicyDocument)) as Json;
  let scope = ((document.properties as Json).scopes as Json).items as Json;
  scope = at(scope, [], {
    anyOf: [{ required: ["allow"] }, { required: ["deny"] }],
    dependentRequired: Object.fromEntries(ofAllows.map((key) => [key, ["allow"]])),
  });
  scope = textOrTexts(scope, "tool", tool);
  scope = at(scope, ["properties", "allow", "items"], { pattern: allowed });
  scope = at(scope, ["properties", "deny", "items"], { pattern: denied });
  scope = at(scope, ["properties", "id"], { pattern: idPattern.source });
  scope = at(scope, ["properties", "expires"], { pattern: momentPattern.source });
  document = at(document, ["properties", "scopes"], { items: scope });
  document = textOrTexts(document, "subject", subject);
  document = at(document, ["properties", "expires"], { pattern: momentPattern.source });
  const member = `^${name("@", "[+!?*]")}`;
  const members = {
    type: "array",
    minItems: 1,
    items: { type: "string", minLength: 1, maxLength: 8_192, pattern: member, not: { pattern: "^group:" } },
  };
  document = at(document, ["properties", "groups"], {
    propertyNames: { pattern: idPattern.source },
    patternProperties: { "^.*$": members },
  });
  return { $schema: "https://json-schema.org/draft/2020-12/schema", ...document };
}

/** The schema as a file. */
export const policySchemaText = (): string => `${JSON.stringify(toPolicySchema(), null, 2)}\n`;
