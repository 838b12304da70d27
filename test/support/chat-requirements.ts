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
  "B1.pairing": {
    says: "A code of the owner's pairs one script once; its token is bound to the script's own key, is listed, and ends at once when revoked.",
    on: "once",
  },
  "B1.confined": {
    says: "A paired token calls its four tools over HTTP and can do nothing else, and neither it nor a code is of use to a page.",
    on: "once",
  },
  "B1.chats": {
    says: "Messages of a chat are kept in their order however they come into view, found and read under policy, and clips by their task.",
    on: "once",
  },
  "B1.offer": {
    says: "Each passage that is offered to the page is one that a search cited, and is on record as a way out before and after.",
    on: "once",
  },
  "B1.offer-flow": {
    says: "A passage whose label is not cleared for chatgpt.com is not offered, whatever its line of work has seen.",
    on: "once",
  },
  "B2.syntax": {
    says: "The script for chatgpt.com has no name in it by which it could send, press, navigate or reach another server, and a script that has one is told.",
    on: "once",
  },
  "B2.fuzz-older": {
    says: "Whatever is done for 400 steps on the older page of chatgpt.com, the script sends nothing and touches nothing but the draft, by a paste that was asked for.",
    on: "once",
  },
  "B2.fuzz-newer": {
    says: "Whatever is done for 400 steps on the newer page of chatgpt.com, the script sends nothing and touches nothing but the draft, by a paste that was asked for.",
    on: "once",
  },
} as const satisfies Record<string, Requirement>;
