import { plain } from "@portcullis/contracts";
import type { ChatEvent, NumberedCitation, Verdict } from "../chat/chat-events.ts";
import type { OpenedCitation } from "../chat/open-citation.ts";
import type { Output } from "./output.ts";
import { inert, type Look } from "./terminal-text.ts";

/** Where a conversation is shown: what the model says on stdout, all that happens around it on stderr. */
export interface ChatScreen {
  show(event: ChatEvent): void;
  opened(opened: OpenedCitation | undefined, number: number): void;
  sources(citations: readonly NumberedCitation[]): void;
}

/** Characters that could steer a terminal where JSON leaves them as they are. */
const steering = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** One line of JSON that is safe to look at. */
export const toJsonLine = (value: unknown): string =>
  JSON.stringify(value).replace(steering, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** Makes a text inert that comes in pieces: what two pieces share is held back until it is whole. */
export function createInertStream(): { take(piece: string): string; end(): string } {
  let held = "";
  return {
    take(piece) {
      const text = held + piece;
      const cut = /[\ud800-\udbff\r]$/.test(text) ? text.length - 1 : text.length;
      held = text.slice(cut);
      return inert(text.slice(0, cut));
    },
    end() {
      const rest = held;
      held = "";
      return inert(rest);
    },
  };
}

/** One line of JSON for each event. */
export function createJsonScreen(output: Output): ChatScreen {
  const tell = (event: string, fields: object): void => output.out(toJsonLine({ event, ...fields }));
  return {
    show: ({ type, ...fields }) => tell(type, fields),
    opened: (opened, number) =>
      opened ? tell("opened", { number, ...opened }) : tell("opened", { number, verdict: "unknown" }),
    sources: (citations) => tell("sources", { citations }),
  };
}

interface Streams {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

export function createTextScreen({ out, err }: Streams, { bold }: Look): ChatScreen {
  const dim = (text: string): string => (bold ? `\u001b[2m${text}\u001b[22m` : text);
  const strong = (text: string): string => (bold ? `\u001b[1m${text}\u001b[22m` : text);
  const said = createInertStream();
  const known = new Map<number, NumberedCitation>();
  let speaking = false;
  const pause = (): void => {
    if (speaking) out(`${said.end()}\n`);
    speaking = false;
  };
  const line = (text: string): void => {
    pause();
    err(`${text}\n`);
  };
  return {
    show(event) {
      switch (event.type) {
        case "text":
          speaking = true;
          out(said.take(event.text));
          return;
        case "call":
          line(dim(`\u2192 ${plain(event.tool)} ${clip(plain(JSON.stringify(event.args)), 160)}`));
          line(dim(`  why: ${clip(plain(event.purpose), 200)}`));
          return;
        case "verdict":
          for (const citation of event.citations) known.set(citation.number, citation);
          for (const row of verdictRows(event)) line(event.ok ? dim(row) : row);
          return;
        case "flow":
          line(dim(`  this line of work has seen: ${labels(event.private, event.untrusted)}`));
          return;
        case "consent":
          line(
            event.waits
              ? `  the owner can allow this: request ${event.request}, until ${event.expiresAt}`
              : `  the owner can allow this: portcullis consent show ${event.request}${event.page ? `, or ${plain(event.page)}` : ""}`,
          );
          return;
        case "decided":
          line(`  the owner's answer: ${strong(plain(event.state))}`);
          return;
        case "withheld":
          line(
            `  \u2717 withheld from ${plain(event.host)}: ${plain(event.private.join(", "))}\n    ${plain(event.next)}`,
          );
          return;
        case "forgotten":
          line(dim(`(the oldest ${event.questions} questions were dropped from the conversation)`));
          return;
        case "answer": {
          pause();
          if (event.cut) line("(the model had no room to go on: its answer is cut)");
          for (const row of sourceRows(event.text, known)) out(`${row}\n`);
          return;
        }
        case "fault":
          line(`\u2717 ${plain(event.message)}${event.next ? `\n  \u2192 ${plain(event.next)}` : ""}`);
          return;
        case "stopped":
          line("(stopped)");
          return;
        default:
          return;
      }
    },
    opened(opened, number) {
      if (!opened) return line(`There is no citation ${number}; /sources lists them.`);
      const { citation, verdict, text = "", message } = opened;
      const marks = { holds: "\u2713", masked: "?", differs: "\u2717", refused: "\u2717" } as const;
      const says = {
        holds: "it stands there as it was cited",
        masked: "a secret in it is masked, so it cannot be compared",
        differs: "other bytes stand there now: the file has changed since",
        refused: plain(message ?? ""),
      } as const;
      out(`${marks[verdict]} ${toRow(citation)}: ${verdict}, ${says[verdict]}\n`);
      if (text !== "") out(`\n${inert(text).replace(/^/gm, "  ").trimEnd()}\n\n`);
    },
    sources(citations) {
      if (citations.length === 0) return line("Nothing was cited yet.");
      for (const citation of citations) out(`${toRow(citation)}\n`);
    },
  };
}

function verdictRows({ ok, code, message, auditId, why, untrusted, citations }: Verdict): readonly string[] {
  const audit = auditId === "" ? "" : `  (audit ${auditId})`;
  if (!ok) return [`  \u2717 ${code}: ${clip(plain(message ?? ""), 400)}${audit}`];
  const notes = [...why, ...(untrusted.length > 0 ? [`untrusted: ${untrusted.join(", ")}`] : [])];
  const numbers = citations.map(({ number }) => `[${number}]`).join(" ");
  return [
    `  \u2713 allowed${notes.length > 0 ? `; ${plain(notes.join("; "))}` : ""}${numbers === "" ? "" : `; ${numbers}`}${audit}`,
  ];
}

/** The citations that an answer names, and those that it made up. */
function sourceRows(text: string, known: ReadonlyMap<number, NumberedCitation>): readonly string[] {
  const named = new Set(
    [...text.matchAll(/\[(\d{1,4}(?:\s*,\s*\d{1,4})*)\]/g)].flatMap(([, list]) => (list ?? "").split(",").map(Number)),
  );
  return [...named]
    .slice(0, 100)
    .sort((a, b) => a - b)
    .map((number) => {
      const citation = known.get(number);
      return citation ? `  ${toRow(citation)}` : `  [${number}] there is no such citation: the model made it up`;
    });
}

const toRow = ({ number, title, id, start, end, stale }: NumberedCitation): string =>
  `[${number}] ${title === undefined ? "" : `${clip(plain(title), 80)}, `}${plain(id)}, bytes ${start}\u2013${end}${stale ? " (changed since)" : ""}`;

const labels = (mine: readonly string[], others: readonly string[]): string =>
  [
    ...(mine.length > 0 ? [`private ${plain(mine.join(", "))}`] : []),
    ...(others.length > 0 ? [`untrusted ${plain(others.join(", "))}`] : []),
  ].join("; ");

const clip = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most)}\u2026` : text);
