import { CallError } from "@portcullis/contracts";
import { toChoice } from "../consent/choice.ts";
import type { Answerer } from "../consent/desk.ts";
import { toGrantOnWire, toOpenRequest, toStatus } from "../consent/show.ts";
import { toExpiry } from "../identity/tokens.ts";
import { type Command, type Invocation, text } from "./command.ts";
import { followRequests } from "./consent-live.ts";
import { grantHeadings, requestHeadings, toGrantRow, toRequestText, toRow } from "./consent-text.ts";
import { CommandError, type Exit, exits } from "./exit.ts";
import { type OpenDesk, openDesk } from "./open-desk.ts";
import { print, toTable } from "./output.ts";

interface Order extends OpenDesk {
  readonly invocation: Invocation;
}

const verbs: Readonly<Record<string, (order: Order) => Promise<Exit>>> = {
  list,
  show,
  answer,
  never: (order) => give(order, { answer: "never" }),
  grants,
  withdraw,
};

/** Whoever runs this holds the data folder: that is the owner. */
const owner: Answerer = { owner: true, name: "owner", door: "cli" };

export const consent: Command = {
  usage: "[list | show ID | answer ID allow|deny | never ID | grants | withdraw ID]",
  summary: "Answer what clients ask for beyond the policy; without a verb, as they ask",
  options: {
    once: { type: "boolean", help: "answer: exactly this call, a single time (what allow means without more)" },
    for: { type: "string", help: "answer: for so long: 30m, 1h, 1d" },
    always: { type: "boolean", help: "answer: until it is withdrawn" },
    folder: { type: "boolean", help: "answer: everything in the folder that holds it, reading only" },
    resource: { type: "string", help: "answer: a narrower pattern than what was asked for" },
    purpose: { type: "string", help: "answer: only for calls of this purpose" },
  },
  async run(invocation) {
    const [name] = invocation.positionals;
    const verb = name === undefined ? followRequests : verbs[name];
    if (!verb) {
      throw new CommandError(
        exits.usage,
        `consent needs one of: ${Object.keys(verbs).join(", ")}.`,
        "portcullis consent --help",
      );
    }
    const desk = await openDesk(invocation);
    try {
      return await verb({ ...desk, invocation });
    } catch (error) {
      if (error instanceof CallError) throw toCommandError(error);
      throw error;
    } finally {
      await desk.close();
    }
  },
};

function toCommandError({ code, message, details }: CallError): CommandError {
  const wrong = code === "INVALID_PARAMS" && details?.reason === "choice";
  const next = typeof details?.next === "string" ? details.next : undefined;
  return new CommandError(wrong ? exits.usage : code === "UNAVAILABLE" ? exits.unavailable : exits.no, message, next);
}

async function list({ desk, pageOf, invocation: { output } }: Order): Promise<Exit> {
  const now = Date.now();
  const requests = await desk.list();
  const shown = await Promise.all(
    requests.map(async (request) => toOpenRequest(request, pageOf(request.id), await desk.offers(request))),
  );
  const table = toTable([requestHeadings, ...requests.map((request) => toRow(request, now))]);
  print(output, { requests: shown }, requests.length === 0 ? "Nothing is asked." : table);
  return exits.ok;
}

async function show({ desk, pageOf, invocation }: Order): Promise<Exit> {
  const request = await desk.find(idOf(invocation, "show"));
  if (!request) throw unknown(invocation);
  const offers = await desk.offers(request);
  print(
    invocation.output,
    toOpenRequest(request, pageOf(request.id), offers),
    toRequestText(request, offers, Date.now()),
  );
  return exits.ok;
}

async function answer(order: Order): Promise<Exit> {
  const { values, positionals } = order.invocation;
  const said = positionals[2];
  if (said !== "allow" && said !== "deny") {
    throw new CommandError(
      exits.usage,
      "consent answer needs a request and allow or deny.",
      "portcullis consent answer 01J… allow --once",
    );
  }
  const spans = [values.once === true, values.always === true, text(values, "for") !== undefined];
  if (spans.filter(Boolean).length > 1)
    throw new CommandError(exits.usage, "Say one of --once, --for and --always.", "portcullis consent --help");
  return give(order, {
    answer: said,
    for: values.once === true ? "once" : values.always === true ? "always" : toSpan(text(values, "for")),
    folder: values.folder === true ? true : undefined,
    resource: text(values, "resource"),
    purpose: text(values, "purpose"),
  });
}

function toSpan(span: string | undefined): number | undefined {
  if (span === undefined) return undefined;
  const until = /^\d+[smhdw]$/.test(span) ? toExpiry(span, 0) : undefined;
  if (typeof until !== "number") throw new CommandError(exits.usage, "--for takes a time such as 30m, 1h or 1d.");
  return until;
}

async function give({ desk, invocation }: Order, chosen: Readonly<Record<string, unknown>>): Promise<Exit> {
  const { request, grant } = await desk.answer(idOf(invocation, String(chosen.answer)), toChoice(chosen), owner);
  const words = grant
    ? grant.effect === "never"
      ? `Denied, and not asked again until you lift it: portcullis consent withdraw ${grant.id}`
      : `Allowed, at once: ${toGrantRow(grant, Date.now()).slice(3).join("  ")}. To end it: portcullis consent withdraw ${grant.id}`
    : "Denied.";
  print(
    invocation.output,
    { request: toStatus(request, undefined), ...(grant && { grant: toGrantOnWire(grant) }) },
    words,
  );
  return exits.ok;
}

async function grants({ desk, invocation: { output } }: Order): Promise<Exit> {
  const now = Date.now();
  const held = await desk.grants();
  const table = toTable([grantHeadings, ...held.map((grant) => toGrantRow(grant, now))]);
  print(
    output,
    { grants: held.map(toGrantOnWire) },
    held.length === 0 ? "Nothing is allowed beside the policy." : table,
  );
  return exits.ok;
}

async function withdraw({ desk, invocation }: Order): Promise<Exit> {
  const grant = await desk.withdraw(idOf(invocation, "withdraw"), owner);
  const words =
    grant.effect === "never"
      ? "Lifted: it may be asked again."
      : "Withdrawn: calls that need it are refused from now on.";
  print(invocation.output, { grant: toGrantOnWire(grant) }, words);
  return exits.ok;
}

function idOf({ positionals }: Invocation, verb: string): string {
  const id = positionals[1];
  if (id === undefined || id === "")
    throw new CommandError(exits.usage, `consent ${verb} needs an id.`, "portcullis consent list");
  return id.slice(0, 64);
}

const unknown = ({ positionals }: Invocation): CommandError =>
  new CommandError(exits.no, `There is no request ${positionals[1]?.slice(0, 64)}.`, "portcullis consent list");
