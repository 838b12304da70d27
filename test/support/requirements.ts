import { chatRequirements } from "./chat-requirements.ts";
import { consoleRequirements } from "./console-requirements.ts";
import { fleetRequirements } from "./fleet-requirements.ts";
import { liveRequirements } from "./live-requirements.ts";
import { modelRequirements } from "./model-requirements.ts";
import { openapiRequirements } from "./openapi-requirements.ts";
import { doors, live, mcp, onHttp, type Requirement, remote } from "./requirement.ts";
import { upstreamRequirements } from "./upstream-requirements.ts";

/** Every promise of the product so far, by the id of the requirement that it comes from. A promise that nobody proves fails the build. */
export const requirements = {
  ...chatRequirements,
  ...consoleRequirements,
  ...fleetRequirements,
  ...liveRequirements,
  ...upstreamRequirements,
  ...openapiRequirements,
  ...modelRequirements,
  "W1.jsonrpc": {
    says: "Batches, notifications and string, number and null ids follow JSON-RPC 2.0 to the letter.",
    on: ["websocket"],
  },
  "W1.frames": {
    says: "A frame over the limit, a binary frame and a text frame that is not UTF-8 end the connection with their own close codes, and the server goes on.",
    on: ["websocket"],
  },
  "W2.methods": {
    says: "Every method of the protocol answers, and an unknown one is refused with its code.",
    on: ["websocket"],
  },
  "W3.outcome": { says: "An answer carries ok, result and an auditId that the audit knows.", on: doors },
  "W3.envelope": { says: "A JSON-RPC error carries data.code and an auditId that the audit knows.", on: ["websocket"] },
  "W4.denied": {
    says: "A denial tells the scope that decided or null, the reason, the resource and the smallest scope that would allow it.",
    on: doors,
  },
  "W4.validation": { says: "Wrong arguments are a VALIDATION_ERROR that names the place.", on: doors },
  "W4.unknown-tool": { says: "An unknown tool is refused by name, with the nearest known one.", on: doors },
  "W4.internal": {
    says: "A fault inside the server is INTERNAL with an audit id, and nothing of its stack or message leaves.",
    on: doors,
  },
  "W6.session": {
    says: "Before auth.exchange only health.check, capabilities.get and auth.exchange answer; a refreshed session goes on.",
    on: ["websocket"],
  },
  "W6.revoked": { says: "Revoking a token ends it at once, in open sessions too.", on: remote },
  "W7.tools": { says: "tools.list shows only what this subject may call, with schemas and annotations.", on: doors },
  "W9.mirror": {
    says: "The HTTP mirror gives the same bodies and codes with the matching status, and Retry-After where it helps.",
    on: ["http"],
  },
  "W9.openapi": { says: "/openapi.json is a valid OpenAPI 3.1 document of the mirror.", on: ["http"] },
  "W10.manifest": {
    says: "The manifest and the prompt tell this subject's tools, argument shapes and safety rules.",
    on: ["http"],
  },
  "M1.revisions": { says: "Every MCP revision from 2024-11-05 to 2026-07-28 is served.", on: "once" },
  "M2.search": {
    says: "search gives results with id, title, text and an http url, as structured content and as one JSON text.",
    on: mcp,
  },
  "M2.fetch": {
    says: "fetch gives a document by a result's id; an unknown id is a clear error and a blank query an empty list.",
    on: doors,
  },
  "M2.chatgpt": {
    says: "The chatgpt profile shows search and fetch alone, with the arguments that ChatGPT expects.",
    on: ["mcp-stdio"],
  },
  "M3.names": {
    says: "Tool names on MCP are letters, digits, _ and - only, one to one with the dotted names.",
    on: mcp,
  },
  "M5.purpose": {
    says: "A purpose reaches the audit; a client's default counts unless the policy wants it stated.",
    on: doors,
  },
  "A1.owner": {
    says: "The owner's token is printed at the first start of a data folder only, and kept as a hash.",
    on: "once",
  },
  "A1.tokens": { says: "A call without a token or with a wrong one is refused and recorded.", on: remote },
  "A1.revoked": {
    says: "A revoked token ends what is open at once: the calls that run, silent WebSockets (with 4401) and streams.",
    on: remote,
  },
  "A1.sessions": { says: "session list tells who is connected, and session revoke ends one.", on: "once" },
  "A2.clients": {
    says: "client list tells which programs may log in and what they hold, and client revoke takes it back at once.",
    on: "once",
  },
  "A3.loopback": { says: "Binding beyond loopback without a declared proxy is refused.", on: "once" },
  "A3.host": { says: "A foreign Host or Origin header is refused.", on: ["websocket", ...onHttp] },
  "P1.file": { says: "The policy of the specification's example loads and decides as it says.", on: doors },
  "P2.default-deny": { says: "What no scope allows is denied.", on: doors },
  "P2.deny-wins": { says: "A deny beats every allow, in whatever order they stand.", on: doors },
  "P3.last-good": {
    says: "A policy with a fault never takes effect: the last good one stays, and the fault is told with file, line and column.",
    on: "once",
  },
  "P3.reload": { says: "An edited policy takes effect within a second, on connections that are open.", on: doors },
  "P4.explain": {
    says: "policy explain tells which rules were considered, which decided and what would have to change.",
    on: "once",
  },
  "A2.login": {
    says: "A client logs in by OAuth 2.1 with what the owner granted on the consent page, on every door.",
    on: "once",
  },
  "P4.commands": {
    says: "policy test, diff, suggest and replay tell what a change of policy does before it counts.",
    on: "once",
  },
  "P6.read-only": {
    says: "A method that is not GET or HEAD needs a scope that names the tool and the method exactly, and a purpose.",
    on: doors,
  },
  "P6.write": {
    says: "fs.writeFile exists for a subject only where a scope names it exactly, and needs a purpose.",
    on: doors,
  },
  "D1.read": {
    says: "fs.readFile, fs.list and fs.stat give what policy allows and hide the names of the rest.",
    on: doors,
  },
  "D1.escape": {
    says: "No path escapes its scope by .., a symlink, a hard link, a special file or a swap between check and use.",
    on: doors,
  },
  "D1.watch": {
    says: "fs.watch tells which files come, change, go and get another name, and nothing of those that policy hides, nor how many there are.",
    on: live,
  },
  "D2.subscribe": {
    says: "git.subscribe tells the commits that a branch gains and loses, also when its history is rewritten, and nothing of hidden paths.",
    on: live,
  },
  "D1.grep": {
    says: "fs.grep finds lines by RE2 patterns in the files that policy shows, with places that fs.readFile takes, and says what was used up.",
    on: doors,
  },
  "D1.write": {
    says: "fs.writeFile replaces a file in one step or not at all, keeps the old version, is on record before it happens, and what it wrote is found.",
    on: doors,
  },
  "D1.undo": {
    says: "portcullis fs versions lists what was replaced, and fs undo puts it back.",
    on: "once",
  },
  "D2.log": {
    says: "git.log shows the history without the paths that policy hides.",
    on: doors,
  },
  "D2.changes": {
    says: "git.diff, git.show, git.blame and git.search tell what changed, and nothing of the paths that policy hides: no name, no content, no rename, no message.",
    on: doors,
  },
  "D3.allow-list": {
    says: "http.fetch reaches only addresses that policy and their class allow, at the first request and at each redirect.",
    on: doors,
  },
  "D5.vault": {
    says: "vault.note, vault.links and vault.tags tell how notes hang together, as far as the caller may read them.",
    on: doors,
  },
  "D6.chats": {
    says: "Exports of ChatGPT and Claude and notes of Nexus are found by message, each message once.",
    on: "once",
  },
  "D9.openai": {
    says: "An OpenAI vector store is searched and fetched from where policy allows its URL; its failing fails nothing else.",
    on: "once",
  },
  "I1.add": {
    says: "A text that is added under a URL is found by whom policy lets read that URL, until it is removed.",
    on: doors,
  },
  "I2.citation": {
    says: "A citation's span, read back from its source, is byte for byte the text that was cited, in every script.",
    on: doors,
  },
  "I2.cite": { says: "portcullis cite reads a citation back and tells whether it still holds.", on: "once" },
  "I3.crash": {
    says: "Indexing that is killed goes on where it was, and finds everything in the end.",
    on: "once",
  },
  "I4.formats": {
    says: "Files of many formats are found; one that cannot be read is listed with its reason and stops nothing.",
    on: "once",
  },
  "I5.hybrid": {
    says: "With an embedding endpoint passages are found by meaning too; while it is cold or down, words alone answer and the answer says so.",
    on: "once",
  },
  "I3.follow": {
    says: "A file that changes is found by its new text within a second, and a deleted one no more.",
    on: "once",
  },
  "I6.hidden": { says: "What a subject may not read it cannot find, nor fetch by its id.", on: doors },
  "C1.request": {
    says: "A denied call becomes a request with its id, page and offers; the same call is the same request, and no more of a subject are open than the limit.",
    on: doors,
  },
  "C1.folder": {
    says: "A folder that the owner allows for a time opens to that client and tool alone, deny rules aside, is searched and listed meanwhile, and closes by itself.",
    on: doors,
  },
  "C1.search": {
    says: "A folder that is allowed to search for a time makes its documents findable, and ends with it.",
    on: "once",
  },
  "C1.deny-stays": { says: "What a deny rule closes is not asked for, and no answer opens it.", on: doors },
  "C1.answers": {
    says: "An answer counts once, in time, and from the owner alone; a second one, a late one and another's are refused in words.",
    on: ["websocket", "http"],
  },
  "C1.page": {
    says: "The owner's page shows a request inert and without script, says no by default, answers once, and withdraws.",
    on: "once",
  },
  "C1.console": {
    says: "portcullis consent lists, shows, answers and withdraws, and what makes no sense ends with its own status.",
    on: "once",
  },
  "C2.once": {
    says: "What is allowed once lets exactly one call with exactly these arguments through, under 64 at a time.",
    on: doors,
  },
  "C2.withdraw": {
    says: "A withdrawn grant opens nothing from that moment, and a never is not asked again until it is lifted.",
    on: doors,
  },
  "C2.restart": { says: "Grants and requests outlive the server.", on: "once" },
  "C2.elicitation": {
    says: "A client that can open pages is sent to the owner's page; its own accept opens nothing, and the owner's answer does.",
    on: ["mcp-http", "mcp-http-legacy", "mcp-sse", "mcp-stdio"],
  },
  "C2.sealed": {
    says: "The state that a client carries back is of one caller and one exact call; changed, or sent with another, it is refused.",
    on: "once",
  },
  "C2.audit": { says: "What was asked, answered, used, withdrawn and over is in the audit.", on: "once" },
  "R1.detectors": {
    says: "Secrets of common kinds are masked in every answer, in keys, values and encodings.",
    on: doors,
  },
  "R1b.registered": {
    says: "Values of registered files and variables are masked, plain, encoded and over lines.",
    on: doors,
  },
  "R2.large": { says: "A large answer is searched apart from other calls, and masked as a small one is.", on: doors },
  "R2.arguments": {
    says: "A secret in arguments that would leave the machine is refused, named by its kind, and masked in the audit.",
    on: doors,
  },
  "R1.patterns": {
    says: "Owner and scope patterns in RE2 syntax mask what they match, and one that could stall is refused at load.",
    on: doors,
  },
  "R2.errors": { says: "Errors and the arguments in the audit are scrubbed as answers are.", on: doors },
  "R3.why": { says: "An answer says how many secrets of which kind were masked, and so does the audit.", on: doors },
  "L1.rate": {
    says: "A scope's token bucket refuses the call over its burst with bucket, tokens left and retryAfterMs.",
    on: doors,
  },
  "L2.turn": {
    says: "No more than the set number of calls run in a turn, denied and failed ones included; a new purpose begins a new turn.",
    on: doors,
  },
  "L2.handle": {
    says: "An answer names its turn by a handle that the server made; sent back it counts in that turn, and an invented or foreign one buys nothing.",
    on: doors,
  },
  "L2.batch": {
    says: "The refusal of a turn's last call names which of its calls could have been one, and which call that is.",
    on: doors,
  },
  "L3.size": { says: "An answer over the size limit is TOO_LARGE and says how to ask for less.", on: doors },
  "L3.time": {
    says: "A call that takes too long ends with TIMEOUT, and a withdrawn one is stopped.",
    on: ["websocket"],
  },
  "L3.soak": {
    says: "Of two thousand mixed calls with attacks among them none lets anything out or is refused wrongly; descriptors come back, and the audit has all.",
    on: "once",
  },
  "L3.bodies": {
    says: "A body that is packed, too large or too deep and a batch over the bound are refused, and the next call is answered.",
    on: doors,
  },
  "L3.unread": {
    says: "Peers that ask for much and read nothing of it hold up nobody else.",
    on: ["websocket", "http"],
  },
  "D10.scaffold": {
    says: "A source of one's own begins with one command, is checked by another, and its tools obey policies as all do.",
    on: "once",
  },
  "D10.faults": {
    says: "A module that is no adapter is named with what is wrong with it, and nothing starts.",
    on: "once",
  },
  "U1.record": {
    says: "Every call, allowed or not, is in the audit with who, what, when, why, decision, masks and outcome.",
    on: doors,
  },
  "U1.no-record": {
    says: "When the record cannot be written the call fails with UNAVAILABLE and health says so.",
    on: doors,
  },
  "U1.no-effect": {
    says: "While the audit cannot be written nothing is written, sent or added either; once it can, all goes on.",
    on: "once",
  },
  "U1.kill": {
    says: "Every answered call is in the audit after kill -9 amid a thousand concurrent calls, and the chain verifies.",
    on: ["websocket"],
  },
  "U2.verify": { says: "audit verify names the first bad record.", on: "once" },
  "U2.checkpoints": {
    says: "Checkpoints are signed and reach a witness, which shows what the log itself no longer can: a history cut or rewritten whole.",
    on: "once",
  },
  "U2.keys": { says: "After a rotation whoever trusts the old key can still verify everything.", on: "once" },
  "U2.recovery": {
    says: "After a crash the log tells of it, and an effect whose outcome was lost is closed as unknown.",
    on: "once",
  },
  "U3.note": {
    says: "A client's prompt and completion are in the audit, masked, and query shows the whole conversation from any of its records.",
    on: ["websocket", "http"],
  },
  "U4.query": {
    says: "audit query finds by subject, tool, code, time, resource, id and value; export gives JSONL and a CSV that runs nothing.",
    on: "once",
  },
  "U4.seal": {
    says: "audit seal moves the oldest records to a file, and what follows them still verifies.",
    on: "once",
  },
  "U4.metrics": {
    says: "/metrics gives Prometheus figures to this machine and the owner, with nothing in them that anyone asked or was told.",
    on: "once",
  },
  "U4.traces": {
    says: "Each call is an OpenTelemetry span of its caller's trace, which the audit's record names too.",
    on: "once",
  },
  "O2.cli": {
    says: "Each command works with --json and its exit status tells how it ended.",
    on: "once",
    partly: "init and chat are to come",
  },
  "O2.connect": {
    says: "connect prints the entry of a client, or merges it into the client's file and keeps a copy.",
    on: "once",
    partly: "chatgpt and gemini are to come, and a check by a real call",
  },
  "O3.settings": {
    says: "PORT, MCP_TRANSPORT, ALLOWED_DIR and REDACT_PATTERNS work, and an unknown key is an error with its place.",
    on: "once",
  },
  "O4.stop": {
    says: "A stopped server finishes the calls that run, and the next one starts on its data.",
    on: "once",
    partly: "unit and container files are to come",
  },
  "O4.deadline": {
    says: "A stopped server ends within its deadline with 0, whatever is open: half requests, idle sockets, streams, calls that run and peers that read nothing.",
    on: "once",
  },
  "O2.bad-start": {
    says: "A port in use, a data folder that is read-only or in use and a folder that is not there each end with their own exit status and what to do.",
    on: "once",
  },
  "K1.client": {
    says: "The client refuses a malformed answer, and comes back after the connection was lost.",
    on: ["websocket"],
  },
  "K1.many": {
    says: "A thousand clients that call, follow, lose their connections and come back at once lose no event, and leave nothing behind.",
    on: "once",
  },
  "C.codex": { says: "Codex CLI searches and fetches over HTTP and stdio.", on: "once" },
  "C.claude": { says: "Claude Code searches and fetches over HTTP and stdio.", on: "once" },
  "C.inspector": { says: "MCP Inspector lists and calls the tools.", on: "once" },
} as const satisfies Record<string, Requirement>;

export type RequirementId = keyof typeof requirements;
