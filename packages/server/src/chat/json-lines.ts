import { ModelFault } from "./chat-model.ts";

/** The longest line that a host may send, in characters. */
const longest = 4_194_304;

/**
 * Lets through whole lines of JSON alone. Ollama's client writes every line that is none to the console as it is, so that a host could steer the terminal.
 */
export function jsonLinesOnly(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let parts: string[] = [];
  let held = 0;
  const pass = (line: string): Uint8Array | undefined => {
    if (line.trim() === "") return undefined;
    try {
      JSON.parse(line);
    } catch {
      throw new ModelFault("The model's host sent what is not JSON.", "Is it an Ollama? Its kind or url may be wrong.");
    }
    return encoder.encode(`${line}\n`);
  };
  const take = (text: string, end: boolean, send: (line: Uint8Array) => void): void => {
    const [first = "", ...others] = text.split("\n");
    parts.push(first);
    held += first.length;
    if (held > longest) throw new ModelFault("The model's host sent a line without an end.", "Try again.");
    const lines = others.length > 0 || end ? [parts.join(""), ...others] : [];
    if (lines.length === 0) return;
    const rest = end ? "" : (lines.pop() ?? "");
    for (const line of lines) {
      const sent = pass(line);
      if (sent) send(sent);
    }
    parts = [rest];
    held = rest.length;
  };
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform: (piece, out) => take(decoder.decode(piece, { stream: true }), false, (line) => out.enqueue(line)),
      flush: (out) => take(decoder.decode(), true, (line) => out.enqueue(line)),
    }),
  );
}
