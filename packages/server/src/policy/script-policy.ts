import { defaultDenials } from "./default-policy.ts";

export interface ScriptPolicy {
  readonly subject: string;
  /** The served folders that the script may search and offer from, by name; undefined for all that are served. */
  readonly folders: readonly string[] | undefined;
  /** The names under which what it may offer is private. */
  readonly compartments: readonly string[];
}

const list = (items: readonly string[]): string => items.map((item) => JSON.stringify(item)).join(", ");

/** The policy that a paired script begins with. It is meant to be read and edited. */
export function scriptPolicy({ subject, folders = ["served"], compartments }: ScriptPolicy): string {
  const places = folders.map((name) => `@${name}/**`);
  return `# yaml-language-server: $schema=policy.schema.json
# What the script in the browser may do on chatgpt.com: docs/userscript.md. Its token can do nothing beside these four tools.
subject: ${JSON.stringify(subject)}
purpose: required

scopes:
  # Keeping the owner's own chats, and parts of them.
  - tool: [chat.add, chat.clip]
    allow: ["https://chatgpt.com/c/**"]

  # What its panel finds. A folder that is not named here does not exist for it.
  - tool: search
    allow: [${list([...places, "https://chatgpt.com/c/**"])}]

  # What may be put into the composer of chatgpt.com, and so leave this machine: each passage by the owner's own hand. The labels that may
  # go there are named one by one; anything else is blocked until the owner consents.
  - tool: chat.offer
    allow: [${list([...places, "https://chatgpt.com/**"])}]
    methods: [GET, POST]
    labels: { clearance: [${list([...new Set([...compartments, "chats"])])}] }

  - tool: [search, chat.offer]
    deny:
${defaultDenials()
  .map((pattern) => `      - ${JSON.stringify(pattern)}`)
  .join("\n")}
`;
}

/** What lets the owner's own clients find the chats that the script keeps. */
export const keptChatsPolicy = (): string => `# yaml-language-server: $schema=policy.schema.json
# The chats that the script in the browser keeps are found by the owner's own clients too.
subject: owner
purpose: required

scopes:
  - tool: [search, fetch, "index.*"]
    allow: ["https://chatgpt.com/c/**"]
`;
