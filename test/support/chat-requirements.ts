import type { Requirement } from "./requirement.ts";

/** What is promised of chats that come from elsewhere, and of the script in the browser. */
export const chatRequirements = {
  "D6.import": {
    says: "An official export is tried, imported whole, found by search, known when it comes again, and taken back.",
    on: "once",
  },
  "D6.refused": {
    says: "A zip bomb, a path that leads outside, half a file, a damaged or an encrypted one are refused with reason and next step, and nothing is written.",
    on: "once",
  },
  "D6.bounded": {
    says: "An export is taken in as a stream: a large one needs less than 150 MB more than a small one.",
    on: "once",
  },
} as const satisfies Record<string, Requirement>;
