/**
 * What a call touches, in the form that policy judges. Adapters make these from arguments; a policy never sees a raw argument.
 * `collection` marks a whole whose items are judged one by one as they are given out (an index, a folder's history).
 */
export type Resource =
  /** `path` is absolute, normalised, without `.` or `..` segments, NFC. */
  | { readonly kind: "path"; readonly path: string; readonly collection?: boolean }
  /**
   * `href` is serialised by the WHATWG URL parser; `method` is upper case. A tool of an upstream MCP server is `mcp://NAME/TOOL`, whose
   * method is GET, and a resource of it `mcp://NAME/` with the server's own URI behind; a prompt of the owner's is `prompt://NAME`, one of an
   * upstream server `prompt://SERVER/NAME`, and a model of theirs `model://NAME`, likewise.
   */
  | { readonly kind: "url"; readonly href: string; readonly method: string }
  /** `path` is relative to the repository's work tree, "" for the whole repository. */
  | {
      readonly kind: "git";
      readonly repository: string;
      readonly path: string;
      readonly rev?: string;
      readonly collection?: boolean;
    }
  | { readonly kind: "index"; readonly name: string; readonly collection: true }
  /** Ids are Discord's numbers, as texts. Without `guild` all channels, without `message` all that is in a channel or thread. */
  | {
      readonly kind: "discord";
      readonly guild?: string;
      readonly channel?: string;
      readonly thread?: string;
      readonly message?: string;
      readonly collection?: boolean;
      /** True for a message that Discord would have to be asked for. */
      readonly elsewhere?: true;
    };

const encodePath = (path: string): string =>
  encodeURI(path).replace(/[?#]/g, (character) => (character === "?" ? "%3F" : "%23"));

/** The canonical URI of a resource: `file:///…`, `https://…`, `git+file:///…#path@rev`, `index://…`, `discord://…`. */
export function toUri(resource: Resource): string {
  switch (resource.kind) {
    case "path":
      return `file://${encodePath(resource.path)}`;
    case "url":
      return resource.href;
    case "git": {
      const rev = resource.rev === undefined ? "" : `@${encodePath(resource.rev)}`;
      return `git+file://${encodePath(resource.repository)}#${encodePath(resource.path)}${rev}`;
    }
    case "index":
      return `index://${encodeURIComponent(resource.name)}/`;
    case "discord":
      return `discord://${[resource.guild, resource.channel, resource.thread, resource.message].filter((id) => id !== undefined).join("/")}`;
  }
}
