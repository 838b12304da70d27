import {
  AuditNote,
  AuditNoted,
  Capabilities,
  consentSchemas,
  Failure,
  Health,
  Manifest,
  type MethodSchemas,
  PromptList,
  promptSchemas,
  Success,
  samplingSchemas,
  ToolCall,
  ToolList,
} from "@portcullis/contracts";
import { version } from "../../version.ts";

const json = (schema: unknown) => ({ content: { "application/json": { schema } } });
const refusal = (description: string) => ({ description, ...json({ $ref: "#/components/schemas/Failure" }) });

/** A schema as it stands in the document: `$id` would make its references point elsewhere. */
function plain(schema: unknown): unknown {
  return JSON.parse(JSON.stringify(schema, (key, value: unknown) => (key === "$id" ? undefined : value)));
}

const get = (operationId: string, summary: string, ok: unknown, open = false) => ({
  get: {
    operationId,
    summary,
    ...(open && { security: [] }),
    responses: {
      "200": { description: "The answer.", ...json(ok) },
      ...(!open && { "401": refusal("No valid token.") }),
    },
  },
});

const query = (name: string, description: string, required = false) => ({
  name,
  in: "query",
  required,
  description,
  schema: { type: "string" },
});

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });

const consentSummaries: Readonly<Record<keyof typeof consentSchemas, string>> = {
  "consent.request": "The request that a denied call became.",
  "consent.status": "How a request of this caller stands; waits for an answer when asked to.",
  "consent.list": "The requests that wait for the owner. The owner's alone.",
  "consent.answer": "Answers a request. The owner's alone.",
  "consent.grants": "What the owner allowed beside the policy. The owner's alone.",
  "consent.withdraw": "Ends a grant, or lifts a never. The owner's alone.",
};

const consentPaths = () =>
  Object.fromEntries(
    Object.entries<MethodSchemas>(consentSchemas).map(([method, { params, result }]) => [
      `/v1/${method.replace(".", "/")}`,
      {
        post: {
          operationId: method.replace(/\.(.)/, (_, letter: string) => letter.toUpperCase()),
          summary: consentSummaries[method as keyof typeof consentSchemas],
          requestBody: { required: true, ...json(plain(params)) },
          responses: {
            "200": { description: "The answer.", ...json(plain(result)) },
            "400": refusal("The body is wrong, or the request was answered or is over."),
            "401": refusal("No valid token."),
            "403": refusal("The owner's alone."),
            "404": refusal("No such request or grant."),
          },
        },
      },
    ]),
  );

/** Methods that are judged as a tool of their name would be. */
const callPaths = () =>
  Object.fromEntries(
    (
      [
        ["prompts.get", "Gives a prompt with its arguments filled in.", promptSchemas["prompts.get"]],
        ["sampling.create", "Asks one of the owner's models.", samplingSchemas["sampling.create"]],
      ] as const
    ).map(([method, summary, { params, result }]) => [
      `/v1/${method.replace(".", "/")}`,
      {
        post: {
          operationId: method.replace(/\.(.)/, (_, letter: string) => letter.toUpperCase()),
          summary,
          requestBody: { required: true, ...json(plain(params)) },
          responses: {
            "200": { description: "The answer.", ...json(plain(result)) },
            "400": refusal("The body is wrong."),
            "401": refusal("No valid token."),
            "403": refusal("Denied by policy, or the owner has to answer first."),
            "404": refusal("No such prompt or model."),
            "413": refusal("The request or the answer is too large."),
            "429": refusal("A rate or turn limit; Retry-After says when."),
            "502": refusal("The model's host failed."),
            "503": refusal("The server offers none, or cannot record the call now."),
          },
        },
      },
    ]),
  );

/** The OpenAPI 3.1 document of the HTTP mirror, made from the schemas that the server itself uses. */
export function toOpenApi(url: string): Readonly<Record<string, unknown>> {
  return {
    openapi: "3.1.0",
    info: {
      title: "Portcullis",
      version,
      summary: "One guarded door between AI clients and your own data.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url }],
    security: [{ token: [] }],
    paths: {
      "/v1/tools/call": {
        post: {
          operationId: "callTool",
          summary: "Calls a tool. The status is that of the outcome's code; the body is the same as on the WebSocket.",
          requestBody: { required: true, ...json(ref("ToolCall")) },
          responses: {
            "200": { description: "The tool's answer.", ...json(ref("Success")) },
            "400": refusal("The body or the tool's arguments are wrong."),
            "401": refusal("No valid token."),
            "403": refusal("Denied by policy, or the owner has to answer first."),
            "404": refusal("No such tool, or nothing there."),
            "413": refusal("The request or the answer is too large."),
            "429": refusal("A rate or turn limit; Retry-After says when."),
            "502": refusal("The source failed."),
            "503": refusal("The server cannot take or record the call now."),
            "504": refusal("The call was not finished by its deadline."),
          },
        },
      },
      ...consentPaths(),
      ...callPaths(),
      "/v1/audit/notes": {
        post: {
          operationId: "addAuditNote",
          summary:
            "Adds what a model was asked, or what it said, to the audit: secrets masked, and nothing else done with it.",
          requestBody: { required: true, ...json(ref("AuditNote")) },
          responses: {
            "200": { description: "It is on record.", ...json(ref("AuditNoted")) },
            "400": refusal("The body is wrong."),
            "401": refusal("No valid token."),
            "429": refusal("Too many notes in one turn."),
            "503": refusal("The audit cannot be written now."),
          },
        },
      },
      "/v1/tools": get("listTools", "The tools that this caller may use.", ref("ToolList")),
      "/v1/prompts": get("listPrompts", "The prompts that this caller may fill.", ref("PromptList")),
      "/v1/capabilities": get("getCapabilities", "What the server offers, and its limits.", ref("Capabilities"), true),
      "/v1/events": {
        get: {
          operationId: "followTopic",
          summary: "Server-sent events of one topic. What is no parameter below is one of the topic's own.",
          parameters: [
            query("topic", "What to be told of, such as fs.watch.", true),
            query("purpose", "Why."),
            {
              name: "Last-Event-ID",
              in: "header",
              schema: { type: "string" },
              description: "Goes on behind this event.",
            },
          ],
          responses: {
            "200": { description: "The events.", content: { "text/event-stream": { schema: { type: "string" } } } },
            "400": refusal("The parameters are wrong."),
            "401": refusal("No valid token."),
            "403": refusal("Denied by policy, or the owner has to answer first."),
            "404": refusal("No such topic, or nothing there."),
            "429": refusal("Too many subscriptions."),
          },
        },
      },
      "/v1/resources": {
        get: {
          operationId: "readResource",
          summary: "The resources that this caller may read; with uri one of them, as it comes.",
          parameters: [
            query("uri", "The resource."),
            query("cursor", "Where the page before ended."),
            query("encoding", "auto, text or base64."),
            query("purpose", "Why."),
            { name: "Range", in: "header", schema: { type: "string" }, description: "bytes=FIRST-LAST of the source." },
          ],
          responses: {
            "200": { description: "A page of the list, or the resource.", ...json({}) },
            "206": { description: "The range of the resource." },
            "400": refusal("The parameters are wrong."),
            "401": refusal("No valid token."),
            "403": refusal("Denied by policy, or the owner has to answer first."),
            "404": refusal("Nothing there."),
            "413": refusal("More than a scope lets out."),
          },
        },
      },
      "/v1/manifest": get("getManifest", "The tools with the doors to call them through.", ref("Manifest")),
      "/v1/prompt": {
        get: {
          operationId: "getPrompt",
          summary: "A system prompt for this caller: tools, argument shapes, safety rules.",
          responses: {
            "200": { description: "The text.", content: { "text/plain": { schema: { type: "string" } } } },
            "401": refusal("No valid token."),
          },
        },
      },
      "/v1/health": {
        get: {
          operationId: "getHealth",
          summary: "Whether the server lives and takes calls.",
          security: [],
          responses: {
            "200": { description: "It lives, and takes calls.", ...json(ref("Health")) },
            "503": { description: "It lives, and takes no calls; `faults` says why.", ...json(ref("Health")) },
          },
        },
      },
    },
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
      schemas: {
        AuditNote: plain(AuditNote),
        AuditNoted: plain(AuditNoted),
        ToolCall: plain(ToolCall),
        Success: plain(Success),
        Failure: plain(Failure),
        ToolList: plain(ToolList),
        PromptList: plain(PromptList),
        Capabilities: plain(Capabilities),
        Manifest: plain(Manifest),
        Health: plain(Health),
      },
    },
  };
}
