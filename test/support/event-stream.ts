/** What a stream of server-sent events gave, frame by frame. */
export interface Frame {
  readonly id?: string;
  readonly event?: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever was told
  readonly data?: any;
}

export interface EventReader {
  readonly status: number;
  readonly frames: readonly Frame[];
  /** Resolves with the reason once the server has ended it. */
  readonly ended: Promise<string>;
  close(): void;
}

/** Reads `GET /v1/events` as an EventSource would. */
export async function readEvents(url: string, token: string, lastEventId?: string): Promise<EventReader> {
  const controller = new AbortController();
  const response = await fetch(url, {
    headers: { authorization: `Bearer ${token}`, ...(lastEventId && { "last-event-id": lastEventId }) },
    signal: controller.signal,
  });
  const frames: Frame[] = [];
  const read = async (): Promise<string> => {
    let rest = "";
    for await (const text of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      const blocks = (rest + Buffer.from(text).toString("utf8")).split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) frames.push(toFrame(block));
    }
    return "ended";
  };
  const ended = read().catch((error: Error) => error.name);
  return { status: response.status, frames, ended, close: () => controller.abort() };
}

function toFrame(block: string): Frame {
  const fields = block.split("\n").map((line) => /^([a-z]+): (.*)$/.exec(line));
  const field = (name: string): string | undefined => fields.find((found) => found?.[1] === name)?.[2];
  const [id, event, data] = [field("id"), field("event"), field("data")];
  return { ...(id && { id }), ...(event && { event }), ...(data && { data: JSON.parse(data) }) };
}
