import { isObject } from "../../upstream/read-schema.ts";
import type { ApiRequest, Args } from "./request.ts";
import { pick } from "./result.ts";

/** How an operation tells of the page behind: by a `Link` header, or by a cursor in its answer that goes back as an argument. */
export interface Paging {
  readonly by: "link" | "cursor";
  /** The most pages that one call may ask for. */
  readonly most: number;
  /** The argument that takes the cursor. */
  readonly argument?: string | undefined;
  /** Where in an answer the cursor stands: `meta.next`. */
  readonly cursor?: string | undefined;
}

export type Next = { readonly args: Args; readonly told: string } | { readonly href: string; readonly told: string };

/** Where the page behind this one is; undefined when there is none, or none that may be gone to. */
export function nextPage(paging: Paging, asked: ApiRequest, page: Answered): Next | undefined {
  if (paging.by === "link") {
    const href = linked(page.link, asked.href, page.reserved);
    return href === undefined ? undefined : { href, told: href };
  }
  const cursor = pick(page.data, paging.cursor ?? "");
  if ((typeof cursor !== "string" && typeof cursor !== "number") || cursor === "") return undefined;
  return { args: { ...page.args, [paging.argument ?? ""]: cursor }, told: String(cursor).slice(0, 4_096) };
}

interface Answered {
  readonly data: unknown;
  readonly args: Args;
  readonly link: string | undefined;
  /** Names of the query's parameters that the owner sets. */
  readonly reserved: ReadonlySet<string>;
}

/**
 * The target of `rel="next"` (RFC 8288), when it differs from what was asked in its query alone: with the owner's credentials in hand an API must not
 * choose what else is asked for.
 */
function linked(header: string | undefined, asked: string, reserved: ReadonlySet<string>): string | undefined {
  const from = new URL(asked);
  for (const [, target = "", rest = ""] of (header ?? "").slice(0, 8_192).matchAll(/<([^<>]*)>([^<]*)/g)) {
    if (!isNext(rest) || !URL.canParse(target, asked)) continue;
    const to = new URL(target, asked);
    to.hash = "";
    // What the owner sets is put in again, and is judged and told by nobody.
    for (const name of reserved) if (to.searchParams.has(name)) to.searchParams.delete(name);
    if (to.origin === from.origin && to.pathname === from.pathname && to.username === "" && to.href !== from.href)
      return to.href;
  }
  return undefined;
}

const isNext = (parameters: string): boolean =>
  parameters.split(/[;,]/).some((one) => {
    const [name = "", value = ""] = one.split("=").map((part) => part.trim().toLowerCase());
    return name === "rel" && value.replaceAll('"', "").split(/\s/).includes("next");
  });

/** Adds the argument that asks for more pages to a tool's input. */
export function withPages<S>(input: S, paging: Paging | undefined): S {
  if (!paging || paging.most < 2 || !isObject(input)) return input;
  const pages = {
    type: "integer",
    minimum: 1,
    maximum: paging.most,
    description: "How many pages to ask for; 1 by default.",
  };
  return { ...input, properties: { ...(isObject(input.properties) && input.properties), pages } };
}
