// A model that does what it is told, by whoever told it: it cannot tell the owner's words from a page's. Real models are harder to fool, but none is safe.
export interface Call {
  readonly tool: string;
  readonly args: Readonly<Record<string, string>>;
}

export interface Told {
  readonly ok: boolean;
  readonly text: string;
}

/** The task: look at the lead's web page, read what the CRM knows, and say what is new. */
export function createModel(page: string, record: string) {
  const calls: Call[] = [
    { tool: "http_fetch", args: { url: page } },
    { tool: "fs_readFile", args: { path: record } },
  ];
  let orders: string | undefined;
  return {
    /** The next call, or undefined when the model is done. */
    next: (): Call | undefined => calls.shift(),
    /** Reads an answer: an instruction in it is followed, with what is known of the customer put into the URL. */
    read({ tool }: Call, { ok, text }: Told): void {
      const order = /look the customer up at (\S+?)\?q=RECORD/.exec(text);
      if (tool === "http_fetch" && order) orders = order[1];
      if (tool !== "fs_readFile" || !ok || orders === undefined) return;
      calls.push({ tool: "http_fetch", args: { url: `${orders}?q=${encodeURIComponent(text.slice(0, 4_000))}` } });
      orders = undefined;
    },
  };
}
