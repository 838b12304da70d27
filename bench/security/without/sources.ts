import type { Guard } from "./guard.ts";

const src = "packages/server/src/adapters";
const api = [`${src}/openapi/openapi-adapter.test.ts`];
const documents = [`${src}/openapi/read-document.test.ts`];
const prompts = [`${src}/prompts/prompts.test.ts`];
const models = [`${src}/sampling/sampling.test.ts`];

export const sourceGuards: readonly Guard[] = [
  {
    name: "a document's remote reference is refused",
    file: "adapters/openapi/read-document.ts",
    from: 'if (key === "$ref" && typeof inner === "string"',
    to: 'if (key === "$none" && typeof inner === "string"',
    tests: documents,
  },
  {
    name: "a document's depth is bounded",
    file: "adapters/openapi/read-document.ts",
    from: "if (depth > bounds.depth)",
    to: "if (depth > 1e9)",
    tests: documents,
  },
  {
    name: "an operationId is of one operation",
    file: "adapters/openapi/operations.ts",
    from: "if (same.length > 1)",
    to: "if (same.length > 1e9)",
    tests: documents,
  },
  {
    name: "no server of an operation's own",
    file: "adapters/openapi/base.ts",
    from: "if (servers !== root.servers)",
    to: "if (servers === undefined)",
    tests: documents,
  },
  {
    name: "what changes something is listed by its name",
    file: "adapters/openapi/operations.ts",
    from: "operation.id.startsWith(begin) && isSafe(operation)",
    to: "operation.id.startsWith(begin)",
    tests: api,
  },
  {
    name: "an argument stays in its segment of the path",
    file: "adapters/openapi/request.ts",
    from: "return percent(text);\n    seen = decoded;",
    to: "return percent(text);\n    return percent(text);",
    tests: api,
  },
  {
    name: "an argument is no slash",
    file: "adapters/openapi/request.ts",
    from: "[/\\\\\\u0000",
    to: "[\\u0000",
    tests: api,
  },
  {
    name: "no argument gives what the owner sets",
    file: "adapters/openapi/request.ts",
    from: "if (taken !== undefined) throw",
    to: "if (taken === null) throw",
    tests: api,
  },
  {
    name: "no argument sets a header that asks for another thing",
    file: "adapters/openapi/plan.ts",
    from: "|| closedHeaders.test(name)",
    to: "",
    tests: api,
  },
  {
    name: "the URL that is sent is the URL that was judged",
    file: "adapters/openapi/openapi-adapter.ts",
    from: '(allows({ kind: "url", href, method }) ? "public" : "closed")',
    to: '(allows ? "public" : "closed")',
    tests: api,
  },
  {
    name: "a refusal tells nothing of the owner's key",
    file: "adapters/openapi/openapi-adapter.ts",
    from: "throw signal.aborted ? signal.reason : withoutKey(error, href);",
    to: "throw signal.aborted ? signal.reason : error;",
    tests: api,
  },
  {
    name: "a next page is of the same path",
    file: "adapters/openapi/pages.ts",
    from: "to.pathname === from.pathname",
    to: "from.pathname !== null",
    tests: api,
  },
  {
    name: "a next page is judged",
    file: "adapters/openapi/openapi-adapter.ts",
    from: "following.href !== request.href && allows(toResource(following))",
    to: "following.href !== request.href",
    tests: api,
  },
  {
    name: "an answer that breaks its document is marked",
    file: "adapters/openapi/result.ts",
    from: "return misfit === undefined ? { origin, data }",
    to: "return misfit !== null ? { origin, data }",
    tests: api,
  },
  {
    name: "an argument of a prompt is no template",
    file: "adapters/prompts/template.ts",
    from: 'return length > most ? undefined : parts.join("");',
    to: 'const text = parts.join("");\n  return length > most ? undefined : text.replace(/\\{\\{(\\w+)\\}\\}/g, (all, name: string) => given[name] ?? all);',
    tests: prompts,
  },
  {
    name: "a filled prompt is bounded",
    file: "adapters/prompts/template.ts",
    from: "length > most ? undefined",
    to: "length < 0 ? undefined",
    tests: prompts,
  },
  {
    name: "a prompt's file is regular, and not waited for",
    file: "adapters/prompts/folder.ts",
    from: 'if (!(await file.stat()).isFile()) throw new Error("It is no regular file.");',
    to: "",
    tests: prompts,
  },
  {
    name: "a model elsewhere leaks",
    file: "adapters/sampling/sampling-adapter.ts",
    from: "return near && !elsewhere && leaves !== true",
    to: "return near",
    tests: models,
  },
  {
    name: "a model's refusal tells nothing of its host",
    file: "adapters/sampling/sampling-adapter.ts",
    from: "return withName(cause, name);",
    to: "return cause;",
    tests: models,
  },
];
