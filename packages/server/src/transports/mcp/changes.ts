import { posix } from "node:path";
import type { Outcome } from "@portcullis/contracts";
import type { Notification, Origin, Sink } from "../../pipeline/arrival.ts";
import type { Corridor } from "../../pipeline/corridor.ts";

export interface Following {
  readonly corridor: Corridor;
  readonly origin: Origin;
  /** Fires when the connection has ended. */
  readonly gone: AbortSignal;
}

const followTopic =
  (topic: string) =>
  ({ corridor, origin, gone }: Following, changed: () => void): Promise<Outcome> =>
    corridor.handleMethod({
      ...origin,
      method: "events.subscribe",
      params: { topic },
      sink: toSink(gone, changed),
    });

/** Calls `changed` when another policy is in force: tools, resources and prompts may have come or gone. */
export const followPolicy = followTopic("policy.changed");

/** Calls `changed` when there may be other prompts. */
export const followPrompts = followTopic("prompts.changed");

/** Calls `updated` whenever the file behind a URI comes, changes or goes, as far as policy lets the caller watch its folder. */
export function watchResource(
  { corridor, origin, gone }: Following,
  uri: string,
  updated: () => void,
): Promise<Outcome> {
  const { dir, name } = toPlace(uri);
  // A name with wildcards in it is found among all that is told of its folder.
  const glob = /[*?{}[\]]/.test(name) || name === "" ? {} : { glob: `/${name}` };
  const params = { topic: "fs.watch", params: { dir, ...glob }, trace: { purpose: "resources/subscribe" } };
  const sink = toSink(gone, ({ method, params: told }) => {
    const { data } = told as { readonly data?: { readonly uri?: string; readonly from?: string } };
    const from = data?.from === undefined ? undefined : `file://${encodePath(data.from)}`;
    // What was missed may have been this very file.
    if (method === "events.missed" || data?.uri === uri || from === uri) updated();
  });
  return corridor.handleMethod({ ...origin, method: "events.subscribe", params, sink });
}

const encodePath = (path: string): string =>
  encodeURI(path).replace(/[?#]/g, (character) => (character === "?" ? "%3F" : "%23"));

/** The folder of a file's URI; one that is none names no folder, and is refused as such. */
function toPlace(uri: string): { readonly dir: string; readonly name: string } {
  try {
    const path = decodeURIComponent(/^file:\/\/(\/[^?#]*)$/.exec(uri)?.[1] ?? "");
    return { dir: path && posix.dirname(path), name: path && posix.basename(path) };
  } catch {
    return { dir: "", name: "" };
  }
}

const toSink = (gone: AbortSignal, hear: (notification: Notification) => void): Sink => ({
  gone,
  ready: () => Promise.resolve(),
  send: hear,
});
