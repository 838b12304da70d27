import type { Requirement } from "./requirement.ts";

/** What is promised of the owner's console. */
export const consoleRequirements = {
  "O5.login": {
    says: "The console opens with the owner's token, on this machine, to its own page, and to nobody and nothing else.",
    on: "once",
  },
  "O5.consent": {
    says: "A refused call comes to the inbox by itself; its narrowest answer is given by the keyboard alone, and the call goes through.",
    on: "once",
  },
  "O5.audit": {
    says: "Each call is seen as it is recorded, chosen by facets, with its decision and its whole conversation; what a caller wrote is text.",
    on: "once",
  },
  "O5.revoke": { says: "A token and a session are ended from the console, at once.", on: "once" },
  "O5.search": {
    says: "The owner searches as any client does, with the words that were asked for marked.",
    on: "once",
  },
  "O5.accessible": {
    says: "No screen has a fault that axe finds, in light and dark, wide and narrow, nor breaks its content security policy.",
    on: "once",
  },
  "O5.size": { says: "The console's first load is at most 60 kB, gzipped.", on: "once" },
} as const satisfies Record<string, Requirement>;
