import type { Memory } from "./known.ts";
import type { ShownMessage } from "./page/page.ts";
import { callTool, ServerFault } from "./server.ts";

export interface Chat {
  readonly id: string;
  readonly title?: string;
}

const mostMessages = 50;
const mostCharacters = 200_000;
/** The server says how long to wait; it is not asked more often than this, in milliseconds. */
const longestWait = 120_000;

/**
 * Sends what the server does not have of these messages, which stand one behind the other, in few calls, and answers how many that were. A known message goes with its
 * unknown neighbours: it tells where they stand.
 */
export async function keepMessages(
  chat: Chat,
  messages: readonly ShownMessage[],
  { memory, signal }: { readonly memory: Memory; readonly signal: AbortSignal },
): Promise<number> {
  const fresh = await Promise.all(messages.map(async (message) => !(await memory.has(message))));
  const wanted = messages.filter((_, at) => fresh[at] || fresh[at - 1] || fresh[at + 1]);
  if (!fresh.includes(true)) return 0;
  for (const batch of batchesOf(wanted)) {
    signal.throwIfAborted();
    await patiently(signal, () =>
      callTool("chat.add", { chat, messages: batch.map((message) => ({ ...message })) }, `keep chat ${chat.id}`),
    );
    await memory.note(batch);
  }
  return fresh.filter(Boolean).length;
}

function* batchesOf(messages: readonly ShownMessage[]): Generator<readonly ShownMessage[]> {
  let batch: ShownMessage[] = [];
  let characters = 0;
  for (const message of messages) {
    if (batch.length > 0 && (batch.length >= mostMessages || characters + message.text.length > mostCharacters)) {
      yield batch;
      // The last one goes with the next ones too: so they stand behind it.
      const last = batch.at(-1) as ShownMessage;
      batch = last.text.length + message.text.length > mostCharacters ? [] : [last];
      characters = batch.length > 0 ? last.text.length : 0;
    }
    batch.push(message);
    characters += message.text.length;
  }
  if (batch.length > 0) yield batch;
}

/** Tries again after as long as the server says, once or twice. */
async function patiently<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await work();
    } catch (error) {
      const wait = error instanceof ServerFault ? error.retryAfterMs : undefined;
      if (wait === undefined || tries >= 2) throw error;
      await pause(Math.min(Math.max(wait, 1_000), longestWait), signal);
    }
  }
}

/** Waits; rejects as soon as the signal fires. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
