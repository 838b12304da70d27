import { doors, type Requirement } from "./requirement.ts";

/** Promises of HTTP APIs whose operations are offered here. */
export const openapiRequirements = {
  "D8.mounted": {
    says: "An operation of an API is called as NAME.OPERATION where a policy opens the very URL that it asks, and is in the audit with that URL.",
    on: doors,
  },
  "D8.judged": { says: "A policy that opens one URL of an API opens no other one, by no argument.", on: "once" },
  "D8.checked": {
    says: "Arguments fit the operation's parameters, stay in their places of the URL, and the owner's key goes out and never comes back.",
    on: "once",
  },
  "D8.acting": {
    says: "An operation that changes something is there only where the owner lists it by name and a policy names its method.",
    on: "once",
  },
  "D8.search": {
    says: "An API stands behind search and fetch, as far as a policy opens the URLs that it asks.",
    on: "once",
  },
  "D8.pages": {
    says: "Pages behind the first are asked for one by one, bounded, and as policy allows each.",
    on: "once",
  },
  "D8.leaves": {
    says: "An API that is not cleared for what a line of work has seen is asked nothing, neither as a tool nor by search and fetch.",
    on: "once",
  },
  "D8.faults": {
    says: "A document that cannot be used keeps the server from starting, with its place and the next step; a remote reference is never fetched.",
    on: "once",
  },
} as const satisfies Record<string, Requirement>;
