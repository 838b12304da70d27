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

/** Calls `changed` when another policy is in force: tools, resources and prompts may have come or gone. */
export const followPolicy = ({ corridor, origin, gone }: Following, changed: () => void): Promise<Outcome> =>
  corridor.handleMethod({
    ...origin,
    method: "events.subscribe",
    params: { topic: "policy.changed" },
    sink: toSink(gone, changed),
  });

/** Calls with the lists that there may be others of, though the policy is as it was. */
export const followLists = (
  { corridor, origin, gone }: Following,
  changed: (lists: readonly string[]) => void,
): Promise<Outcome> =>
  corridor.handleMethod({
    ...origin,
    method: "events.subscribe",
    params: { topic: "lists.changed" },
    sink: toSink(gone, ({ method, params }) => {
      const { data } = params as { readonly data?: { readonly lists?: readonly string[] } };
      if (method === "events.event") changed(data?.lists ?? []);
      if (method === "events.missed") changed(["tools", "prompts", "resources"]);
    }),
  });

/** Calls `updated` whenever the resource of another server changes, and otherwise whenever the file behind a URI comes, changes or goes, as far as policy lets the caller watch its folder. */
export function watchResource(
  { corridor, origin, gone }: Following,
  uri: string,
  updated: () => void,
): Promise<Outcome> {
  const trace = { purpose: "resources/subscribe" };
  if (uri.startsWith("mcp://")) {
    const sink = toSink(gone, ({ method }) => {
      if (method !== "events.ended") updated();
    });
    const params = { topic: "resources.watch", params: { uri }, trace };
    return corridor.handleMethod({ ...origin, method: "events.subscribe", params, sink });
  }
  const { dir, name } = toPlace(uri);
  // A name with wildcards in it is found among all that is told of its folder.
  const glob = /[*?{}[\]]/.test(name) || name === "" ? {} : { glob: `/${name}` };
  const params = { topic: "fs.watch", params: { dir, ...glob }, trace };
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
