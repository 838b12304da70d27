import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { CallError, Resource } from "@portcullis/contracts";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterEach, expect, test } from "vitest";
import { createGuardedFetch } from "../../network/guarded-fetch.ts";
import type { Permit, Tool } from "../adapter.ts";
import { createHttpAdapter } from "./http-adapter.ts";

type Answer = Record<string, unknown> & { readonly text?: string };

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const toPermit = (allows: (url: URL, method: string) => boolean, maxBytes = 5_000_000): Permit =>
  ({
    subject: "test",
    tool: "http.fetch",
    resources: [],
    maxBytes,
    allows: (resource: Resource) => resource.kind === "url" && allows(new URL(resource.href), resource.method),
  }) as unknown as Permit;

/** As a policy with `http://127.0.0.1:*` decides. */
const loopback = toPermit(({ hostname }) => hostname === "127.0.0.1");

const [found] = createHttpAdapter({
  name: "http",
  fetch: createGuardedFetch({ lookup: async () => ["127.0.0.1"] }),
}).tools();
const tool = found as unknown as Tool<Record<string, unknown>, Answer>;
const answers = new Ajv2020({ strict: true }).compile(tool.output);

async function call(input: Record<string, unknown>, permit = loopback): Promise<Answer> {
  const output = await tool.run(input, { permit, signal: new AbortController().signal, progress: () => {} });
  expect(answers(output), JSON.stringify(answers.errors)).toBe(true);
  return output;
}

const refusal = (input: Record<string, unknown>, permit = loopback): Promise<CallError> =>
  call(input, permit).then(
    () => {
      throw new Error("It answered.");
    },
    (error) => error,
  );

test("policy is asked about the URL that is connected to", async () => {
  expect(await tool.touches({ url: "HTTP://Example.COM.:80/a/../b#c" })).toEqual([
    { kind: "url", href: "http://example.com/b", method: "GET" },
  ]);
  for (const url of ["http://a@b.test/", "file:///etc/passwd", "http://a.test\\@b.test/", "x"]) {
    expect(() => tool.touches({ url }), url).toThrow(expect.objectContaining({ code: "VALIDATION_ERROR" }));
  }
});

test("a page comes as Markdown, as words, or as its bytes; what it hides in none but the bytes", async () => {
  const html = "<title>T</title><p>Grüße, <b>you</b></p><p hidden>secret</p>";
  const origin = await serve((_, response) =>
    response
      .setHeader("content-type", "text/html; charset=iso-8859-1")
      .setHeader("set-cookie", "a=b")
      .end(Buffer.from(html, "latin1")),
  );
  const page = await call({ url: `${origin}/` });
  expect(page).toMatchObject({
    status: 200,
    title: "T",
    text: "Grüße, **you**",
    contentType: "text/html",
    hiddenCharacters: 6,
    url: `${origin}/`,
  });
  expect(JSON.stringify(page)).not.toContain("set-cookie");
  expect((await call({ url: `${origin}/`, as: "text" })).text).toBe("Grüße, you");
  const { base64, text } = await call({ url: `${origin}/`, as: "bytes" });
  expect([Buffer.from(String(base64), "base64").toString("latin1"), text]).toEqual([html, undefined]);
});

test("a page that its server does not name is read as a page", async () => {
  const origin = await serve((_, response) => response.end("<!-- x -->\n<html><p>seen<p hidden>secret"));
  expect((await call({ url: `${origin}/` })).text).toBe("seen");
});

test("text that is no page comes as it is, in the charset that fits", async () => {
  const bodies: Record<string, [string, Buffer]> = {
    "/json": ["application/json", Buffer.from('{"a":"<p hidden>ü"}')],
    "/1252": ["text/plain", Buffer.from("\u0080 5", "latin1")],
    "/bom": ["text/plain", Buffer.from("\ufeffü", "utf16le")],
    "/jis": ["text/plain; charset=Shift_JIS", Buffer.from([0x82, 0xa0])],
  };
  const origin = await serve(({ url }, response) => {
    const [type = "", body] = bodies[url ?? ""] ?? [];
    response.setHeader("content-type", type).end(body);
  });
  const texts = await Promise.all(Object.keys(bodies).map(async (path) => (await call({ url: origin + path })).text));
  expect(texts).toEqual(['{"a":"<p hidden>ü"}', "€ 5", "ü", "あ"]);
});

test("a HEAD request tells status and headers of any kind of file", async () => {
  const origin = await serve((_, response) =>
    response.writeHead(200, { "content-type": "image/png", "content-length": "99", etag: '"x"' }).end(),
  );
  expect(await call({ url: `${origin}/`, method: "HEAD" })).toMatchObject({
    status: 200,
    bytes: 0,
    headers: { "content-length": "99", etag: '"x"' },
  });
});

test("an error's picture is not read, and its status still is", async () => {
  const origin = await serve((_, response) =>
    response.writeHead(503, { "content-type": "image/png", "retry-after": "9" }).end("x"),
  );
  expect(await call({ url: `${origin}/` })).toMatchObject({
    status: 503,
    bodyWithheld: true,
    headers: { "retry-after": "9" },
  });
});

test("a private address needs a policy that writes it out: a wildcard over all hosts opens none", async () => {
  const origin = await serve((_, response) => response.end("inside"));
  expect((await call({ url: `${origin}/` })).text).toBe("inside");
  const wildcard = toPermit(() => true);
  expect(await refusal({ url: `${origin}/` }, wildcard)).toMatchObject({
    code: "PERMISSION_DENIED",
    details: { reason: "address", smallestScope: null },
  });
  expect(await refusal({ url: origin.replace("127.0.0.1", "localhost") }, wildcard)).toMatchObject({
    details: { reason: "address" },
  });
  expect(
    await refusal(
      { url: origin.replace("127.0.0.1", "inside.test") },
      toPermit(({ hostname }) => hostname === "inside.test"),
    ),
  ).toMatchObject({
    details: { reason: "address" },
  });
});

test("a redirect that policy does not allow names the scope that would", async () => {
  const origin = await serve((_, response) => response.writeHead(307, { location: "/b?c=d" }).end());
  const permit = toPermit(({ hostname, pathname }) => hostname === "127.0.0.1" && pathname === "/a");
  expect(await refusal({ url: `${origin}/a` }, permit)).toMatchObject({
    code: "PERMISSION_DENIED",
    details: {
      scope: null,
      resource: `${origin}/b?c=d`,
      smallestScope: { subject: "test", scope: { tool: "http.fetch", allow: [`${origin}/b?c=d`] } },
    },
  });
});

test("a method that policy does not name on the way is not sent", async () => {
  const seen: string[] = [];
  const origin = await serve(({ method, url }: IncomingMessage, response) => {
    seen.push(`${method} ${url}`);
    if (url === "/a") response.writeHead(308, { location: "/b" }).end();
    else response.end();
  });
  const permit = toPermit(
    ({ hostname, pathname }, method) => hostname === "127.0.0.1" && (method === "GET" || pathname === "/a"),
  );
  const error = await refusal({ url: `${origin}/a`, method: "PUT", body: "x" }, permit);
  expect(error).toMatchObject({
    code: "PERMISSION_DENIED",
    details: { hop: 1, smallestScope: { scope: { methods: ["PUT"] } } },
  });
  expect(seen).toEqual(["PUT /a"]);
});

test.each([
  "Authorization",
  "Cookie",
  "Host",
  "X-HTTP-Method-Override",
  "Metadata-Flavor",
  "X-Forwarded-For",
  "Connection",
])("a caller cannot set %s", async (name) => {
  const error = await refusal({ url: "http://127.0.0.1:1/", headers: { [name]: "x" } });
  expect(error).toMatchObject({ code: "VALIDATION_ERROR", details: { reason: "header" } });
});

test("a body goes with methods that have one, and an answer over the policy's size is refused", async () => {
  const origin = await serve((request, response) => request.pipe(response));
  expect(await refusal({ url: `${origin}/`, body: "x" })).toMatchObject({ code: "VALIDATION_ERROR" });
  expect((await call({ url: `${origin}/`, method: "POST", body: "hello" })).text).toBe("hello");
  const small = toPermit(({ hostname }) => hostname === "127.0.0.1", 4);
  expect(await refusal({ url: `${origin}/`, method: "POST", body: "hello" }, small)).toMatchObject({
    code: "TOO_LARGE",
  });
});

test("a page made to be slow costs its own call only", async () => {
  const css = ".x:has(.y) .z,div div div div>p~p{display:none}".repeat(20_000);
  const origin = await serve(({ url }, response) => {
    response.setHeader("content-type", "text/html");
    response.end(url === "/slow" ? `<style>${css}</style>${"<div><p>x<p>y</div>".repeat(30_000)}` : "<p>quick");
  });
  const slow = refusal({ url: `${origin}/slow` });
  const started = performance.now();
  expect((await call({ url: `${origin}/quick` })).text).toBe("quick");
  expect(performance.now() - started).toBeLessThan(3_000);
  expect(await slow).toMatchObject({ code: "UPSTREAM", details: { reason: "page" } });
});
