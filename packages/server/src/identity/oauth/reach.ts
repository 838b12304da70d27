import type { Policy, ToolFacts } from "../../policy/compile.ts";
import type { TokenStore } from "../../stores/store.ts";
import { isLive } from "../tokens.ts";
import { type ScopedTool, scopeOf } from "./scopes.ts";

/** One tool that policy might let a subject use, and on what, in the policy's own patterns. */
export interface ToolReach {
  readonly name: string;
  readonly title: string;
  readonly summary: string;
  /** The scope that a client has to have asked for. */
  readonly scope: string;
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

/** What the owner is told of a subject before a client may act as it. */
export interface Reach {
  readonly tools: readonly ToolReach[];
  readonly folders: readonly { readonly name: string; readonly path: string }[];
  /** Subjects that tokens act as. */
  readonly subjects: readonly string[];
}

export interface ReachOptions {
  readonly policy: () => Policy;
  readonly tools: readonly (ToolFacts & ScopedTool & { readonly title: string; readonly summary: string })[];
  readonly folders: readonly { readonly name: string; readonly path: string }[];
  readonly tokens: TokenStore;
  readonly now: () => number;
}

/** Reads from the policy in force what a subject could reach. */
export function createReach({
  policy,
  tools,
  folders,
  tokens,
  now,
}: ReachOptions): (subject: string) => Promise<Reach> {
  return async (subject) => {
    const at = now();
    const current = policy();
    const open = new Set(current.tools(subject, tools, at));
    const live = (await tokens.list()).filter((token) => isLive(token, at));
    return {
      tools: tools
        .filter(({ name }) => open.has(name))
        .map((tool) => {
          const { name, title, summary } = tool;
          return { name, title, summary, scope: scopeOf(tool), ...current.patterns(subject, name, at) };
        }),
      folders: folders.map(({ name, path }) => ({ name, path })),
      subjects: [...new Set(live.map((token) => token.subject))].slice(0, 100),
    };
  };
}
