import { applyMasks, type Finding, findMasks, toMask, withheld } from "./mask.ts";
import type { CompiledPatterns, Redactor, Scrubbed } from "./redactor.ts";

/** Masks secrets in a text that comes in chunks. What a chunk gives back may be sent; what it holds back comes with a later one. */
export interface StreamScrubber {
  write(chunk: string | Uint8Array): Scrubbed<string>;
  /** What was still held back. */
  end(): Scrubbed<string>;
}

/** How much is judged at once, beside what stands before and after it. */
const step = 4_096;
/** What stands before is read along: a name gives its kind to the value that follows. */
const before = 4_096;
/** What stands after is read along: a value is judged whole. */
const after = 4_096;
/** A secret that goes on for longer than this is masked, and what follows of it is dropped up to the next end. */
const longest = 65_536;
const borders = /[\s,;]/;

/**
 * Holds back what could still belong to a secret, at most 72 KiB. It judges at the same places of a text however that was cut into chunks,
 * so chunks change nothing; bytes are read as UTF-8, also where one character lies in two chunks.
 */
export function createStreamScrubber(redactor: Redactor, extra?: CompiledPatterns): StreamScrubber {
  const decoder = new TextDecoder();
  /** What was given back last, as it was, and what was not yet given back. */
  let past = "";
  let held = "";
  let wanted = step + after;

  function give(): { text: string; masked: Record<string, number> } {
    const masked: Record<string, number> = {};
    let text = "";
    while (held.length >= wanted) {
      const part = held.slice(0, wanted);
      const findings = judge(part);
      const cut = cutOf(part, findings);
      if (cut > 0) {
        text += mask(part, findings, cut, masked);
        move(cut);
        wanted = step + after;
      } else if (wanted >= longest) {
        text += mask(part, [{ start: 0, end: step, kind: findings?.[0]?.kind ?? withheld }], step, masked);
        move(step);
      } else wanted += step;
    }
    return { text, masked };
  }

  /** Findings in what is held, with what stands before it read along; undefined when they cannot be told. */
  function judge(part: string): readonly Finding[] | undefined {
    return redactor
      .find(past + part, extra)
      ?.map(({ start, end, kind }) => ({ start: Math.max(0, start - past.length), end: end - past.length, kind }))
      .filter(({ end }) => end > 0);
  }

  function move(by: number): void {
    past = (past + held.slice(0, by)).slice(-before);
    // The context begins at a border too, or half a token would be judged as one.
    const border = past.length < before ? -1 : past.search(borders);
    if (border > 0) past = past.slice(border);
    held = held.slice(by);
  }

  return {
    write(chunk) {
      held += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
      const { text, masked } = give();
      return { value: text, masked };
    },
    end() {
      held += decoder.decode();
      const { text, masked } = give();
      const rest = mask(held, judge(held), held.length, masked);
      past = "";
      held = "";
      return { value: text + rest, masked };
    },
  };
}

/** The last border that leaves enough behind it and cuts no secret; 0 when there is none. */
function cutOf(part: string, findings: readonly Finding[] | undefined): number {
  let cut = part.length - after;
  const spans = [...(findings ?? []), ...findMasks(part)].sort((a, b) => b.end - a.end);
  for (;;) {
    while (cut > 0 && !borders.test(part[cut - 1] ?? "")) cut--;
    const over = spans.filter(({ start, end }) => start < cut && end > cut);
    if (over.length === 0 || cut <= 0) return Math.max(0, cut);
    cut = Math.min(...over.map(({ start }) => start));
    if (cut > 0 && over.some(({ start }) => start === cut) && !spans.some((s) => s.start < cut && s.end > cut))
      return cut;
  }
}

function mask(
  part: string,
  findings: readonly Finding[] | undefined,
  cut: number,
  masked: Record<string, number>,
): string {
  const text = part.slice(0, cut);
  if (text === "") return "";
  if (!findings) {
    masked[withheld] = (masked[withheld] ?? 0) + 1;
    return toMask(withheld);
  }
  const inside = findings.filter(({ start }) => start < cut).map((each) => ({ ...each, end: Math.min(each.end, cut) }));
  return applyMasks(text, inside, masked);
}
