import { CallError, type Resource } from "@portcullis/contracts";
import { type Static, Type } from "typebox";
import { toContentType } from "../../network/content-type.ts";
import type { Reach } from "../../network/find-addresses.ts";
import { type GuardedFetch, type GuardedResponse, refuseUrl } from "../../network/guarded-fetch.ts";
import { parseUrl } from "../../network/parse-url.ts";
import { decodeText } from "../../web-page/decode-text.ts";
import type { Adapter, Permit, Tool } from "../adapter.ts";
import { createPageReader, type PageReader } from "./page-reader.ts";
import { toReach } from "./reach.ts";
import { toRequestHeaders } from "./request-headers.ts";

const closed = { additionalProperties: false } as const;

const Input = Type.Object(
  {
    url: Type.String({ minLength: 1, maxLength: 8_192, description: "An absolute http or https URL." }),
    method: Type.Optional(
      Type.Enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"], {
        description: "GET by default. Others than GET and HEAD need a policy that names them.",
      }),
    ),
    headers: Type.Optional(
      Type.Record(Type.String({ maxLength: 64 }), Type.String({ maxLength: 4_096 }), {
        description: "Request headers: accept, accept-language, cache-control, content-type, if-…, range, user-agent.",
      }),
    ),
    body: Type.Optional(
      Type.String({ maxLength: 1_048_576, description: "The body to send, with POST, PUT or PATCH." }),
    ),
    as: Type.Optional(
      Type.Enum(["markdown", "text", "bytes"], {
        description:
          "markdown (the default): a web page's readable part as Markdown, other text as it is. text: all the words of a web page that can be seen. bytes: exactly what was sent, in base64.",
      }),
    ),
  },
  closed,
);
type Input = Static<typeof Input>;

const Output = Type.Object(
  {
    url: Type.String({ description: "Where the answer came from, after redirects." }),
    status: Type.Integer({ description: "The site's HTTP status; 4xx and 5xx are answers too." }),
    headers: Type.Record(Type.String(), Type.String()),
    contentType: Type.Union([Type.String(), Type.Null()]),
    title: Type.Optional(Type.String({ description: "The web page's title." })),
    text: Type.Optional(Type.String()),
    base64: Type.Optional(Type.String()),
    bytes: Type.Integer({ description: "Size of the body as it was received and unpacked." }),
    redirects: Type.Array(Type.String(), { description: "The URLs that the first one led on to." }),
    hiddenCharacters: Type.Optional(
      Type.Integer({ description: "Characters left out because the page's styles hide them from a reader." }),
    ),
    bodyWithheld: Type.Optional(
      Type.Literal(true, { description: "True when an error's body was not text and was not read." }),
    ),
  },
  closed,
);
type Output = Static<typeof Output>;

export interface HttpAdapterOptions {
  readonly name: string;
  readonly fetch: GuardedFetch;
}

/** The web as a source: one tool, `http.fetch`, which asks policy about each URL that it connects to, redirects included. */
export function createHttpAdapter({ name, fetch }: HttpAdapterOptions): Adapter {
  const readPage = createPageReader();
  const tool: Tool<Input, Output> = {
    name: "http.fetch",
    title: "Fetch a web page",
    summary: "Fetch an allowed URL; a web page comes as readable Markdown, JSON and other text as it is.",
    safety:
      "Reaches only URLs that a policy allows, at every redirect; no cookies, no credentials, no private addresses, at most 5 MiB.",
    effect: "read",
    labels: { untrusted: true, egress: true },
    input: Input,
    output: Output,
    touches: (input) => [toResource(input)],
    async run(input, { permit, signal }) {
      const { method = "GET", as = "markdown", body } = input;
      if (body !== undefined && !/^P/.test(method)) {
        throw new CallError("VALIDATION_ERROR", `A ${method} request has no body.`, {
          details: { at: "args.body", reason: "body", next: "Leave the body out, or use POST, PUT or PATCH." },
        });
      }
      let asked: Asked | undefined;
      const answer = await fetch({
        url: input.url,
        method,
        headers: toRequestHeaders(input.headers),
        ...(body !== undefined && { body }),
        signal,
        reach: (url, sent): Reach => {
          asked = { url, method: sent };
          return toReach(permit, url, sent);
        },
      }).catch((error: unknown) => {
        throw asked ? withProposal(error, permit, asked) : error;
      });
      return cap(await toOutput(answer, { as, readPage, signal }), { permit, as });
    },
  };
  return { name, tools: () => [tool] };
}

interface Asked {
  readonly url: URL;
  readonly method: string;
}

/** What policy refused on the way was not the corridor's question, so its smallest scope is told here. */
function withProposal(error: unknown, permit: Permit, { url, method }: Asked): unknown {
  if (!(error instanceof CallError) || error.details?.reason !== "redirect_policy") return error;
  const { origin, pathname, search } = url;
  const pattern = `${origin}${pathname}${search}`;
  if (/[*[\]{}]/.test(pathname + search)) return error;
  const methods = /^(GET|HEAD)$/.test(method) ? {} : { methods: [method] };
  const smallestScope = { subject: permit.subject, scope: { tool: permit.tool, allow: [pattern], ...methods } };
  return new CallError(error.code, error.message, { cause: error.cause, details: { ...error.details, smallestScope } });
}

function toResource({ url, method = "GET" }: Input): Resource {
  const parsed = parseUrl(url);
  if ("fault" in parsed) throw refuseUrl(parsed.fault);
  return { kind: "url", href: parsed.url.href, method };
}

interface Reading {
  readonly as: NonNullable<Input["as"]>;
  readonly readPage: PageReader;
  readonly signal: AbortSignal;
}

const shownHeaders = [
  "age",
  "allow",
  "cache-control",
  "content-language",
  "content-length",
  "content-range",
  "date",
  "etag",
  "expires",
  "last-modified",
  "link",
  "location",
  "retry-after",
  "x-ratelimit-remaining",
  "x-ratelimit-reset",
];

async function toOutput(answer: GuardedResponse, { as, readPage, signal }: Reading): Promise<Output> {
  const type = toContentType(answer.headers["content-type"]);
  const output: Output = {
    url: answer.url.href,
    status: answer.status,
    headers: Object.fromEntries(
      shownHeaders.flatMap((name) => {
        const value = answer.headers[name];
        return value === undefined ? [] : [[name, value]];
      }),
    ),
    contentType: type?.essence ?? null,
    bytes: answer.body.length,
    redirects: [...answer.redirects],
    ...(answer.withheld && { bodyWithheld: true as const }),
  };
  if (as === "bytes") return { ...output, base64: Buffer.from(answer.body).toString("base64") };
  const text = decodeText(answer.body, type?.charset);
  if (!isPage(type?.essence, text)) return { ...output, text };
  const page = await readPage({ html: text, url: answer.url.href, as }, signal);
  return {
    ...output,
    text: page.text,
    ...(page.title !== undefined && { title: page.title }),
    ...(page.hidden > 0 && { hiddenCharacters: page.hidden }),
  };
}

// A page whose server forgot to say so is a page all the same, or what it hides would be shown.
const isPage = (essence: string | undefined, text: string): boolean =>
  text !== "" &&
  (essence === "text/html" ||
    essence === "application/xhtml+xml" ||
    (essence === undefined &&
      /^\s*(<!--[\s\S]{0,2000}?-->\s*)?<(!doctype html|html|head|body|script|div|p|h1)\b/i.test(text)));

function cap(output: Output, { permit, as }: { readonly permit: Permit; readonly as: string }): Output {
  const size = output.base64?.length ?? Buffer.byteLength(output.text ?? "");
  if (size <= permit.maxBytes) return output;
  throw new CallError("TOO_LARGE", `The answer has ${size} bytes; the policy allows ${permit.maxBytes}.`, {
    details: {
      url: output.url,
      reason: "policy_max_bytes",
      size,
      maxBytes: permit.maxBytes,
      next: `Ask for a part of it with a Range header${as === "bytes" ? ", or as text" : ""}.`,
    },
  });
}
