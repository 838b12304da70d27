import { type ConsentGrant, type ConsentStatus, type OpenRequest, plain } from "@portcullis/contracts";
import { escapeHtml, toPage } from "../page.ts";

/** What others wrote: nothing in it is markup, and what cannot be seen is written out. */
const text = (value: string): string => escapeHtml(plain(value));
const code = (value: string): string => `<code>${text(value)}</code>`;

const effects: Readonly<Record<OpenRequest["effect"], string>> = {
  read: "which only reads",
  write: "which CHANGES things",
  send: "which SENDS things",
};

/** Where a page's forms lead, with what proves that they came from it. */
export interface Form {
  readonly action: string;
  readonly token: string;
}

const formOf = ({ action, token }: Form, inner: string): string =>
  `<form method="post" action="${escapeHtml(action)}"><input type="hidden" name="token" value="${escapeHtml(token)}">${inner}</form>`;

type Fact = readonly [name: string, html: string];

const factsOf = (facts: readonly Fact[]): string =>
  `<dl>${facts.map(([name, html]) => `<dt>${escapeHtml(name)}</dt><dd>${html}</dd>`).join("")}</dl>`;

/** The question of one request to the owner. The first button, which Enter presses, says no. */
export function requestPage(request: OpenRequest, form: Form, fault?: string): string {
  const { subject, client, clientName, agent, tool, effect, egress, resources, args, purpose, times, further } =
    request;
  const facts: Fact[] = [
    ["Who", `${code(subject)}, by the token ${code(client)}`],
    ...(clientName === null ? [] : [["Program", `${text(clientName)} (as it calls itself)`] as const]),
    ...(agent === null ? [] : [["Agent", `${text(agent)} (as it calls itself)`] as const]),
    [
      "Wants",
      `${code(tool)}, ${effects[effect]}${egress ? ". <strong>Its arguments leave this machine.</strong>" : ""}`,
    ],
    ["On", resources.map(code).join("<br>")],
    ["With", code(args)],
    ...(request.flow === undefined ? [] : [["Leaves", `<strong>${text(request.flow)}</strong>`] as const]),
    ["Because", purpose === null ? "no purpose was stated" : `${text(purpose)} (as it says)`],
    [
      "Asked",
      `${times === 1 ? "once" : `${times} times`}${further > 0 ? `; ${further} other calls of it were denied meanwhile` : ""}`,
    ],
    ["Ends", `${timeOf(request.expiresAt)}; without an answer that is a no`],
  ];
  const offers = request.offers.map(
    (offer) =>
      `<li><button name="offer" value="${escapeHtml(offer.name)}">${offer.answer === "never" ? "Say" : "Allow"} ${text(offer.says)}</button>${offer.opens ? opensOf(offer) : ""}</li>`,
  );
  const body = [
    fault === undefined ? "" : `<p role="alert"><strong>${text(fault)}</strong></p>`,
    factsOf(facts),
    formOf(
      form,
      `<p><button name="offer" value="deny" autofocus>Say no to this call</button></p><h2>Or allow, the least first</h2><ul>${offers.join("")}</ul><h2>Narrower still</h2><p><label>Only this path or URL <input name="resource" maxlength="4096" autocomplete="off"></label></p><p><label>Only for this purpose <input name="purpose" maxlength="500" autocomplete="off"></label></p><p>Leave both empty to allow what the buttons say. A deny rule of the policy stays closed whatever you answer.</p>`,
    ),
    `<p><a href="/consent">All that waits, and all that you have allowed</a></p>`,
  ];
  return toPage(`May ${plain(subject)} use ${tool}?`, body.join(""));
}

type Offer = OpenRequest["offers"][number];

function opensOf({ patterns, opens }: Offer): string {
  const files = `${opens?.files ?? 0} files${opens?.whole === false ? " or more" : ""}`;
  const secrets =
    opens && opens.sensitive.length > 0
      ? `. <strong>Some sound like secrets: ${opens.sensitive.map(code).join(", ")}</strong>`
      : "";
  return `<br>Opens ${patterns.map(code).join(" ")} (${files})${secrets}`;
}

/** All that waits for the owner, and all that holds. `tokenOf` proves of each form that it came from this page. */
export function inboxPage(
  requests: readonly OpenRequest[],
  grants: readonly ConsentGrant[],
  tokenOf: (about: string) => string,
): string {
  const waiting = requests.map(
    ({ id, subject, tool, resources, purpose, expiresAt }) =>
      `<li><a href="/consent/${escapeHtml(id)}">${code(subject)} wants ${code(tool)}</a> on ${resources.map(code).join(", ")}${purpose === null ? "" : `, because: ${text(purpose)}`}; ends ${timeOf(expiresAt)}</li>`,
  );
  const holding = grants.map((grant) => {
    const what = grant.effect === "never" ? "never asks for" : grant.once ? "may once use" : "may use";
    const until = grant.expiresAt === null ? "until you withdraw it" : `until ${timeOf(grant.expiresAt)}`;
    const why = grant.purpose === null ? "" : `, only for: ${text(grant.purpose)}`;
    const label = grant.effect === "never" ? "Lift" : "Withdraw";
    const button = `<input type="hidden" name="grant" value="${escapeHtml(grant.id)}"><button>${label}</button>`;
    return `<li>${code(grant.subject)} (${text(grant.clientName ?? grant.client)}) ${what} ${code(grant.tool)} on ${grant.patterns.map(code).join(", ")} ${until}${why}${formOf({ action: "/consent/-/withdraw", token: tokenOf(grant.id) }, button)}</li>`;
  });
  const body = [
    "<h2>Waiting for you</h2>",
    waiting.length > 0
      ? `<ul>${waiting.join("")}</ul>`
      : "<p>Nothing waits. This page looks again every ten seconds.</p>",
    "<h2>What you have allowed, and what may not be asked</h2>",
    holding.length > 0 ? `<ul>${holding.join("")}</ul>` : "<p>Nothing.</p>",
  ];
  return toPage("Requests", body.join(""), '<meta http-equiv="refresh" content="10">');
}

/** What became of a request. */
export function settledPage({ tool, resources, state, chose, answeredAt }: ConsentStatus): string {
  const words: Readonly<Record<ConsentStatus["state"], string>> = {
    open: "It waits for an answer.",
    allowed: "You allowed it.",
    used: "You allowed one call, and that call was made.",
    denied: "You said no.",
    expired: "Its time was over without an answer, which is a no. The same call, made again, is asked anew.",
  };
  const facts: Fact[] = [
    ["What", `${code(tool)} on ${resources.map(code).join(", ")}`],
    ...(chose === undefined ? [] : [["Answer", text(chose)] as const]),
    ...(answeredAt === undefined ? [] : [["When", timeOf(answeredAt)] as const]),
  ];
  return toPage(
    words[state],
    `${factsOf(facts)}<p><a href="/consent">All that waits, and all that you have allowed: withdraw it there</a></p>`,
  );
}

export const notePage = (title: string, words: string): string =>
  toPage(title, `<p>${text(words)}</p><p><a href="/consent">All that waits, and all that you have allowed</a></p>`);

const timeOf = (iso: string): string =>
  `<time datetime="${escapeHtml(iso)}">${escapeHtml(iso.slice(0, 19).replace("T", " "))} UTC</time>`;
