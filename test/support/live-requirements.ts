import { doors, live, mcp, type Requirement } from "./requirement.ts";

/** Promises of what goes on between calls: events, streams, resources and lines of work. */
export const liveRequirements = {
  "E1.audit": { says: "The audit has each delivery of events, with what it told of.", on: live },
  "E1.resume": {
    says: "Who comes back with the last number gets what came since, once and in order; another token or other parameters get nothing of it.",
    on: live,
  },
  "E1.restart": { says: "After kill -9 a subscription goes on, and what was missed is told by its numbers.", on: live },
  "E1.withdrawn": {
    says: "A permission that is withdrawn ends the subscriptions that rest on it, silent ones too.",
    on: live,
  },
  "E1.revoked": { says: "A revoked token ends its subscriptions and says so with 4401.", on: live },
  "E1.bad-input": {
    says: "A subscription to what is not there, not allowed or malformed is refused with its code.",
    on: live,
  },
  "E1.slow": {
    says: "A reader for whom more waits than is kept is told which numbers it missed, and nothing grows.",
    on: "once",
  },
  "E1.policy": { says: "policy.changed tells that another policy is in force, and only the owner which.", on: live },
  "E1.consent": { says: "consent.decided tells a caller of their own requests, and the owner of all.", on: live },
  "D4.search": {
    says: "discord.search and discord.fetchMessage give the messages that policy shows, each with its permanent link, and of hidden ones not even that they exist.",
    on: ["http", "websocket", "mcp-http"],
  },
  "E1.discord": {
    says: "discord.stream tells what is written, edited and deleted in the channels that policy shows, and ends when the permission is withdrawn.",
    on: live,
  },
  "W5.stream": {
    says: "A resource of any size comes in masked pieces as fast as its reader takes them, with its size and hash at the end; the other calls go on.",
    on: live,
  },
  "W5.resume": { says: "A broken stream goes on from the end of its last piece, wherever that lies.", on: live },
  "W5.refused": { says: "What may not be read is not streamed, and a permission withdrawn ends the stream.", on: live },
  "M4.resources": {
    says: "MCP lists the files that policy shows, gives their template, and reads text and bytes with secrets masked.",
    on: mcp,
  },
  "F1.parallel": {
    says: "Of 64 calls at once in one line of work, never one gets private data and another what others can write.",
    on: "once",
  },
  "F1.restart": { says: "What a line of work has seen survives kill -9, and flow list and show tell it.", on: "once" },
  "F1.lost": { says: "A line of work whose state is lost or unreadable counts as having seen everything.", on: "once" },
  "F2.R0": {
    says: "A client with ways out of its own is never given private data and content that others can write in one line of work.",
    on: doors,
  },
  "F2.R1": {
    says: "After private data, a call whose arguments leave is refused unless its target is cleared, and the refusal names the label, the call that brought it and the target.",
    on: doors,
  },
  "F2.R2": {
    says: "After content that others can write, an effect elsewhere needs the owner's consent to exactly this call, which is used up by it.",
    on: doors,
  },
  "F2.R3": { says: "What is written carries the labels of its line of work into every other.", on: doors },
  "F2.demo": {
    says: "A page that makes a model put a CRM record into its next request succeeds against a plain MCP server, and is stopped here.",
    on: "once",
  },
  "F4.marked": {
    says: "Content that others can write comes with its origin, and on MCP with the word that it is data.",
    on: doors,
    partly: "search and fetch have one text and no room for it: there the origin is in the outcome alone",
  },
  "F3.ways-out": {
    says: "A target that the owner has cleared, and arguments that they have fixed, stay open after private data.",
    on: "once",
  },
  "F3.new-flow": {
    says: "A client that the owner trusts to keep contexts apart begins a new line of work; dropped, invented and others' handles gain nothing.",
    on: "once",
  },
} as const satisfies Record<string, Requirement>;
