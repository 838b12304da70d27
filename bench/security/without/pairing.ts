import type { Guard } from "./guard.ts";

const pairing = ["packages/server/src/identity/pairing.test.ts"];
const doors = ["test/e2e/pairing.test.ts"];

/** What holds a script in a browser to its four tools. */
export const pairingGuards: readonly Guard[] = [
  {
    name: "a pairing code is good once",
    file: "identity/pairing.ts",
    from: "!(await store.consume(kind, id, at))",
    to: "(await store.consume(kind, id, at)) === undefined",
    tests: pairing,
  },
  {
    name: "a pairing code ends",
    file: "identity/pairing.ts",
    from: "(record.expiresAt ?? 0) > at",
    to: "(record.expiresAt ?? 0) > 0",
    tests: pairing,
  },
  {
    name: "wrong codes are bounded, also at the same time",
    file: "identity/pairing.ts",
    from: "if (wrong.length >= mostWrong)",
    to: "if (wrong.length >= 1e9)",
    tests: pairing,
  },
  {
    name: "a paired token is nothing without the script's own key",
    file: "identity/pairing.ts",
    from: "`${token}.${key}`,",
    to: "token + key.slice(43),",
    tests: doors,
    only: "B1.pairing",
  },
  {
    name: "a paired token is of no use before it is known what it may do",
    file: "identity/oauth/bearer.ts",
    from: "if (!narrowing) return undefined;",
    to: "",
    tests: pairing,
  },
  {
    name: "a paired token calls over HTTP and does nothing else",
    file: "pipeline/authenticate.ts",
    from: 'if (caller?.callsOnly && (what !== "call" || door !== "http"))',
    to: 'if (caller?.callsOnly && (what !== "call" || door !== "http") && (door as string) === "")',
    tests: doors,
    only: "B1.confined",
  },
  {
    name: "a paired token is of no use to a page",
    file: "transports/http/check-sender.ts",
    from: 'if (origin !== undefined && /^Bearer\\s+pcb_/i.test(authorization ?? ""))',
    to: 'if (authorization === "none")',
    tests: doors,
    only: "B1.confined",
  },
  {
    name: "a page cannot be paired",
    file: "transports/http/userscript.ts",
    from: "if (origin !== undefined && /^Bearer",
    to: 'if (authorization === "" && /^Bearer',
    tests: doors,
    only: "B1.confined",
  },
  {
    name: "what is offered to a page was cited by a search",
    file: "adapters/index/chat-offer.ts",
    from: "if (passage?.start === start && passage.end === end && passage.sha256 === wanted)",
    to: "if (passage && [start, end, wanted].length > 0)",
    tests: doors,
    only: "B1.offer",
  },
  {
    name: "what is offered to a page is still what was cited",
    file: "adapters/index/chat-offer.ts",
    from: 'hash("sha256", passage) === wanted',
    to: 'hash("sha256", passage) !== ""',
    tests: doors,
    only: "B1.offer",
  },
  {
    name: "what is offered to a page is judged by the labels of what it reads",
    file: "pipeline/confine.ts",
    from: "tool.offers === true ?",
    to: "(false as boolean) ?",
    tests: doors,
    only: "B1.offer",
  },
];
