import { plain } from "@portcullis/contracts";
import type { ShownOffer } from "../consent/desk.ts";
import type { ConsentGrant, ConsentRequest } from "../stores/consent-store.ts";
import { toTable } from "./output.ts";
import { toCount, toDuration } from "./terminal-text.ts";

const left = (until: number, now: number): string => toDuration(Math.max(0, (until - now) / 1_000));

/** A request as one row. */
export const toRow = (request: ConsentRequest, now: number): readonly string[] => [
  request.id,
  plain(request.subject),
  request.tool,
  plain(request.resources.map(({ uri }) => uri).join(" ")).slice(0, 100),
  request.purpose === null ? "-" : plain(request.purpose).slice(0, 60),
  request.state === "open" ? `${left(request.expiresAt, now)} left` : request.state,
];

export const requestHeadings = ["REQUEST", "SUBJECT", "TOOL", "RESOURCE", "PURPOSE", "STATE"];

/** What of a request is shown in full. */
export type RequestFacts = Pick<
  ConsentRequest,
  "id" | "subject" | "client" | "clientName" | "agent" | "tool" | "effect" | "egress" | "purpose" | "args" | "times"
> &
  Pick<ConsentRequest, "further" | "flow" | "reason" | "state" | "expiresAt" | "answer"> & {
    readonly resources: readonly { readonly uri: string }[];
  };

/** What of an answer that can be given is shown. */
export type OfferFacts = Pick<ShownOffer, "name" | "says" | "patterns" | "opens">;

/** All that the owner has to know of a request. */
export function toRequestText(request: RequestFacts, offers: readonly OfferFacts[], now: number): string {
  const { subject, client, clientName, agent, tool, effect, egress, purpose, resources, args, times, further } =
    request;
  const facts: (readonly string[])[] = [
    ["request", request.id],
    ["who", `${plain(subject)}, by token ${plain(client)}`],
    ...(clientName === null ? [] : [["program", `${plain(clientName)} (as it calls itself)`]]),
    ...(agent === null ? [] : [["agent", `${plain(agent)} (as it calls itself)`]]),
    ["wants", `${tool}, which ${effects[effect]}${egress ? ", and sends its arguments OUT of this machine" : ""}`],
    ...resources.map(({ uri }, index) => [index === 0 ? "on" : "", plain(uri)]),
    ["with", plain(args)],
    ...(request.flow === undefined ? [] : [["leaves", plain(request.flow)]]),
    ["because", purpose === null ? "no purpose was stated" : `${plain(purpose)} (as it says)`],
    ["refused", reasons[request.reason] ?? request.reason],
    ["asked", `${toCount(times, "time")}${further > 0 ? `; ${toCount(further, "other call")} denied meanwhile` : ""}`],
    ["state", request.state === "open" ? `open, ${left(request.expiresAt, now)} left` : request.state],
    ...(request.answer ? [["answer", `${plain(request.answer.chose)} (${plain(request.answer.by)})`]] : []),
  ];
  const choices =
    request.state === "open" ? ["", "What you can answer, the smallest first:", toTable(offers.map(toOfferRow))] : [];
  return [toTable(facts), ...choices].join("\n");
}

const effects = {
  read: "only reads",
  write: "CHANGES things on this machine",
  send: "SENDS something that cannot be taken back",
} as const;

const reasons: Readonly<Record<string, string>> = {
  consent: "the policy wants you to be asked",
  flow: "what this line of work has seen may not go there without you",
  unknown_subject: "no policy names this subject",
  no_scope: "no scope names the tool",
  no_allow: "no scope allows this resource",
  purpose_not_served: "no scope serves this purpose",
  expired: "what allowed it has expired",
  write_not_named: "only a wildcard names the tool",
  method_not_named: "no scope names the method",
};

const flags: Readonly<Record<ShownOffer["name"], string>> = {
  once: "--once",
  hour: "--for 1h",
  "folder-hour": "--folder --for 1h",
  day: "--for 1d",
  always: "--always",
  never: "never",
};

/** An offer with the key that takes it, the options that do, and what else it opens. */
export function toOfferRow({ name, says, patterns, opens }: OfferFacts, index: number): readonly string[] {
  const files = opens && `${toCount(opens.files, "file")}${opens.whole ? "" : " or more"}`;
  const secrets =
    opens && opens.secrets.length > 0 ? `, some sound like secrets: ${plain(opens.secrets.join(", "))}` : "";
  const opened = opens ? `: ${plain(patterns.join(" "))} (${files}${secrets})` : "";
  return [`  ${index + 1}`, flags[name], `${says}${opened}`];
}

export const grantHeadings = ["GRANT", "SUBJECT", "CLIENT", "TOOL", "WHAT", "UNTIL"];

export function toGrantRow(grant: ConsentGrant, now: number): readonly string[] {
  const { effect, patterns, call, purpose, expiresAt } = grant;
  const what = `${effect === "never" ? "never ask: " : call === null ? "" : "one call: "}${plain(patterns.join(" "))}`;
  const why = purpose === null ? "" : ` for «${plain(purpose)}»`;
  const until = expiresAt === null ? "withdrawn" : `${left(expiresAt, now)} left`;
  return [grant.id, plain(grant.subject), plain(grant.clientName ?? grant.client), grant.tool, `${what}${why}`, until];
}
