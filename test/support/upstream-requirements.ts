import { doors, type Requirement } from "./requirement.ts";

/** Promises of other servers whose tools are offered here. */
export const upstreamRequirements = {
  "D7.mounted": {
    says: "A tool of an upstream MCP server is called as NAME.TOOL where a policy opens mcp://NAME/TOOL, and is not there for anyone else.",
    on: doors,
  },
  "D7.checked": {
    says: "What goes to an upstream tool fits its schema, what comes back is scrubbed, marked with its origin, and in the audit.",
    on: doors,
  },
  "D7.pinned": {
    says: "A tool whose description has changed, or that is new, is shown to nobody until the owner has taken it.",
    on: ["websocket", "mcp-http"],
  },
  "D7.resources": {
    says: "A resource of an upstream server is listed, read, scrubbed, recorded and followed as mcp://NAME/ and its own URI, in the one spelling that policy judged.",
    on: "once",
  },
  "D7.prompts": {
    says: "A prompt of an upstream server is offered as NAME.PROMPT to whom policy allows it, and held while it says something else than it did.",
    on: "once",
  },
  "D7.leaves": {
    says: "What is asked of an upstream server by resources, subscriptions and prompts leaves as a call does: no secret in it, and on record before it happens.",
    on: "once",
  },
  "D7.oauth": {
    says: "Portcullis logs in to an upstream server that wants it, as a client of its own: the owner does so in a browser, tokens are renewed and never shown, and when a login has ended everyone is told the command.",
    on: "once",
  },
  "D7.reference": {
    says: "The reference servers of the protocol's makers (filesystem, everything, memory) work behind Portcullis when Codex drives them, each path judged.",
    on: "once",
  },
  "D7.marked": {
    says: "An upstream tool of which the owner says nothing counts as one that changes things, leaks, and answers with strangers' words.",
    on: "once",
  },
  "D7.places": {
    says: "A file that an argument names is judged as any file is, links included.",
    on: "once",
  },
  "D7.alone": {
    says: "The child of an upstream server gets the environment that is written down, and nothing of the server's or a client's.",
    on: "once",
  },
  "D7.ends": {
    says: "The children of upstream servers end with the server, also when it is killed.",
    on: "once",
  },
  "D7.import": {
    says: "A client's MCP servers become upstreams that work here, Portcullis takes their place in its file, and all of that can be undone.",
    on: "once",
  },
} as const satisfies Record<string, Requirement>;
