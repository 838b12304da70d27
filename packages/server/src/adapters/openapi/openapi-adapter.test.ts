import { type Resource, toUri } from "@portcullis/contracts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { document, get, inQuery, ok, openApi, refusal } from "../../../../../test/support/scripted-api.ts";

describe("operations", () => {
  const paths = {
    "/files": { get: { responses: ok }, post: { operationId: "add", responses: ok } },
    "/files/{id}": {
      delete: {
        operationId: "remove",
        responses: ok,
        parameters: [{ name: "id", in: "path", required: true, schema: { type: "string" } }],
      },
    },
    "/odd": get("odd name/ü"),
  };

  test("that read are chosen by a wildcard, and others by their names alone", async () => {
    const { tools } = await openApi(document(paths));
    expect(tools.map(({ name }) => name)).toEqual([
      "api.get_files",
      expect.stringMatching(/^api\.odd_name_+[0-9a-f]{8}$/),
    ]);
    const { tools: all } = await openApi(document(paths), { operations: ["*", "POST /files", "remove"] });
    expect(all.map(({ name, effect, labels }) => [name, effect, labels])).toContainEqual([
      "api.add",
      "send",
      { untrusted: true, egress: true },
    ]);
    expect(await all.find(({ name }) => name === "api.remove")?.touches({ id: "x" })).toEqual([
      { kind: "url", href: "https://api.example/v1/files/x", method: "DELETE" },
    ]);
    await expect(openApi(document(paths), { operations: ["none"] })).rejects.toThrow(/no operation "none".*get_files/);
    await expect(openApi(document(paths), { marks: { none: {} } })).rejects.toThrow(/no operation "none"/);
  });

  test("whose schemas would fill every list of tools are too many", async () => {
    const wide = (at: number) => {
      const names = Array.from({ length: 300 }, (_, index) => [
        `property${at}x${index}`,
        { type: "string", description: "x".repeat(100) },
      ]);
      const schema = { type: "object", properties: Object.fromEntries(names) };
      return {
        post: { operationId: `op${at}`, responses: ok, requestBody: { content: { "application/json": { schema } } } },
      };
    };
    const many = document(Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`/a${at}`, wide(at)])));
    const ids = Array.from({ length: 40 }, (_, at) => `op${at}`);
    expect((await openApi(many, { operations: ids.slice(0, 10) })).tools).toHaveLength(10);
    await expect(openApi(many, { operations: ids })).rejects.toThrow(/schemas have \d+ characters.*List fewer/);
  });

  test("that cannot be called from here are left out with a word, or refused where they are named", async () => {
    const cookie = document({
      "/a": get("a"),
      "/b": get("b", { parameters: [{ name: "c", in: "cookie", required: true, schema: { type: "string" } }] }),
      "/c": {
        post: {
          operationId: "c",
          responses: ok,
          requestBody: { required: true, content: { "multipart/form-data": { schema: {} } } },
        },
      },
    });
    const { tools, told } = await openApi(cookie);
    expect(tools.map(({ name }) => name)).toEqual(["api.a"]);
    expect(told.join()).toMatch(/operation b .*cookie/);
    await expect(openApi(cookie, { operations: ["c"] })).rejects.toThrow(/body that is neither/);
  });
});

describe("arguments", () => {
  const byId = document({
    "/files/{id}": get("file", {
      parameters: [{ name: "id", in: "path", required: true, schema: { type: "string" } }],
    }),
    "/a/{x}{y}/b": get("pair", {
      parameters: ["x", "y"].map((name) => ({ name, in: "path", required: true, schema: { type: "string" } })),
    }),
  });

  test("stay in their segment of the path, however they are written", async () => {
    const { call, asked } = await openApi(byId);
    for (const id of [
      ...[
        "..",
        ".",
        "../x",
        "a/b",
        "/",
        "\\",
        "..\\x",
        "%2e%2e",
        "%2E.",
        "%252e%252e",
        "%2f",
        "a%2Fb",
        "a%255cb",
        "%25252e%25252e",
      ],
      ...["", "a\u0000b", "a%00b", "..;x", "%2e%2e%3bx", "\n", "%25252525252f"],
    ])
      expect(await refusal(call("file", { id })), JSON.stringify(id)).toMatchObject({ code: "VALIDATION_ERROR" });
    for (const [x, y] of [
      [".", "."],
      ["%2e", "."],
      ["%", "2e."],
    ])
      expect((await call("pair", { x, y }).catch((error) => error)).origin ?? "refused").toMatch(
        /^refused$|\/a\/[^/]+\/b$/,
      );
    for (const [id, path] of [
      ["a b", "a%20b"],
      ["ü", "%C3%BC"],
      ["50%", "50%25"],
      ["a?b#c", "a%3Fb%23c"],
      ["...", "..."],
      ["a:b", "a%3Ab"],
    ] as const)
      expect((await call("file", { id })).origin).toBe(`https://api.example/v1/files/${path}`);
    expect(asked.every(({ url }) => url.startsWith("https://api.example/v1/"))).toBe(true);
  });

  test("of any text at all are refused, or one segment for whoever decodes it", async () => {
    const { tool } = await openApi(byId);
    const letters = fc.constantFrom(
      ...["%", "2", "e", "E", "f", "F", "5", "c", ".", "/", "\\", ";", "a", "ü", "\u0000", "?", "#", "\uD800"],
    );
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: letters, maxLength: 12 }), async (id) => {
        let href: string;
        try {
          [href = ""] = (await tool("file").touches({ id })).map(toUri);
        } catch (error) {
          expect(error).toMatchObject({ code: "VALIDATION_ERROR" });
          return;
        }
        let segment = href.slice("https://api.example/v1/files/".length);
        for (let round = 0; round < 6; round++) {
          expect(segment).not.toMatch(/[/\\]|^\.{0,2}(;|$)/);
          segment = segment.replaceAll(/%([0-9a-f]{2})/gi, (_, code) => String.fromCharCode(Number.parseInt(code, 16)));
        }
      }),
      { numRuns: 5_000 },
    );
  });

  test("are written as their parameters say", async () => {
    const list = { type: "array", items: { type: "string" } };
    const { tool } = await openApi(
      document({
        "/q": get("q", {
          parameters: [
            ...[
              inQuery("many", list),
              inQuery("few", list, { explode: false }),
              inQuery("bar", list, { style: "pipeDelimited", explode: false }),
            ],
            inQuery("deep", { type: "object" }, { style: "deepObject", explode: true }),
            { name: "json", in: "query", content: { "application/json": { schema: { type: "object" } } } },
            { name: "X-Kind", in: "header", schema: { type: "string" } },
          ],
        }),
      }),
    );
    const [touched] = (await tool("q").touches({
      many: ["a", "b&c"],
      few: ["a", "b"],
      bar: ["a", "b"],
      deep: { k: 1 },
      json: { a: 1 },
    })) as [Resource];
    expect(touched).toMatchObject({
      href: "https://api.example/v1/q?many=a&many=b%26c&few=a%2Cb&bar=a%7Cb&deep%5Bk%5D=1&json=%7B%22a%22%3A1%7D",
    });
  });

  test("of strange names are nothing but names", async () => {
    const { call, asked } = await openApi(
      document({
        "/q": get("q", {
          parameters: [inQuery("constructor"), inQuery("toString"), inQuery("purpose"), inQuery("body")],
        }),
      }),
    );
    await call("q", {});
    await call("q", { toolPurpose: "p", bodyParameter: "b", constructor: "c" });
    expect(asked.map(({ url }) => new URL(url).search)).toEqual(["", "?constructor=c&purpose=p&body=b"]);
    await expect(
      openApi(document({ "/q": get("q", { parameters: [inQuery("__proto__")] }) }), { operations: ["q"] }),
    ).rejects.toThrow(/name/);
  });

  test("of a hostile pattern are checked in time", async () => {
    const hostile = { type: "string", pattern: "^(a+)+$" };
    const content = { "application/json": { schema: hostile } };
    const { call, tool } = await openApi(
      document({
        "/q": get("q", { parameters: [inQuery("q", hostile)], responses: { "200": { description: "ok", content } } }),
      }),
      { answers: [{ json: `${"a".repeat(50_000)}!` }] },
    );
    const began = performance.now();
    expect(await refusal(call("q", { q: `${"a".repeat(50_000)}!` }))).toMatchObject({ code: "VALIDATION_ERROR" });
    expect(await call("q", { q: "aaa" })).toMatchObject({ misfit: expect.stringContaining("pattern") });
    // What would be tried 2^50000 times.
    expect(performance.now() - began).toBeLessThan(20_000);
    expect(JSON.stringify(tool("q").output)).not.toContain("(a+)+");
  });
});

describe("what the owner adds", () => {
  const keyed = document({
    "/q": get("q", {
      parameters: [
        inQuery("key"),
        inQuery("free", { type: "object" }, { explode: true }),
        { name: "Authorization", in: "header", schema: { type: "string" } },
      ],
    }),
  });
  const secret = { query: { key: "s3cret-key" }, headers: { Authorization: "Bearer t0ken" } };

  test("goes out with each request, and is neither judged nor told", async () => {
    const { call, asked, tool } = await openApi(keyed, secret);
    const judged: Resource[] = [];
    const answer = await call("q", {}, (resource) => judged.push(resource) > 0);
    expect(asked[0]).toMatchObject({
      url: "https://api.example/v1/q?key=s3cret-key",
      headers: { Authorization: "Bearer t0ken" },
    });
    expect(judged).toEqual([{ kind: "url", href: "https://api.example/v1/q", method: "GET" }]);
    expect(JSON.stringify([answer, await tool("q").touches({}), tool("q").input])).not.toMatch(
      /s3cret|t0ken|Authorization/,
    );
    const refused = await refusal(call("q", {}, () => false));
    expect(JSON.stringify([refused.details])).not.toContain("s3cret");
  });

  test("is taken out of a link that brings it back", async () => {
    const link = '</v1/q?page=2&key=s3cret-key>; rel="next"';
    const { call, asked } = await openApi(keyed, {
      ...{ ...secret, paging: { "*": { by: "link", most: 2 } } },
      answers: [{ headers: { link } }, { headers: { link: link.replace("2", "3") } }],
    });
    const answer = await call("q", { pages: 2 });
    expect(JSON.stringify(answer)).not.toContain("s3cret");
    expect(answer.next).toBe("https://api.example/v1/q?page=3");
    expect(asked.map(({ url }) => new URL(url).search)).toEqual(["?key=s3cret-key", "?page=2&key=s3cret-key"]);
  });

  test("can be given by no argument", async () => {
    const { call } = await openApi(keyed, secret);
    expect(await refusal(call("q", { key: "mine" }))).toMatchObject({ code: "VALIDATION_ERROR" });
    expect(await refusal(call("q", { free: { key: "mine" } }))).toMatchObject({ code: "VALIDATION_ERROR" });
  });

  test("cannot be turned against another thing than was judged", async () => {
    const { tool } = await openApi(
      document({
        "/q": get("q", {
          parameters: ["X-HTTP-Method-Override", "Host", "X-Original-URL", "Cookie", "Forwarded"].map((name) => ({
            name,
            in: "header",
            schema: { type: "string" },
          })),
        }),
      }),
    );
    expect(tool("q").input.properties).toEqual({});
  });
});

describe("answers", () => {
  const content = {
    "application/json": {
      schema: {
        type: "object",
        required: ["items"],
        properties: { items: { type: "array", items: { type: "integer" } } },
      },
    },
  };
  const listing = document({
    "/q": get("q", { parameters: [inQuery("cursor")], responses: { "200": { description: "ok", content } } }),
    "/r": get("r"),
  });

  test("that break the document come as text, with a mark", async () => {
    const { call, tool } = await openApi(listing, {
      answers: [{ json: { items: [1] } }, { json: { items: ["x"] } }, { text: "<no json" }, { json: {} }],
    });
    expect(await call("q")).toMatchObject({ data: { items: [1] }, untrusted: true, status: 200 });
    const broken = await call("q");
    expect(broken).toMatchObject({ text: '{"items":["x"]}', misfit: "/items/0 must be integer" });
    expect(broken).not.toHaveProperty("data");
    expect(tool("q").notes?.(broken)).toHaveLength(1);
    expect(await call("q")).toMatchObject({ text: "<no json", misfit: "it says that it is JSON, and is none" });
    expect(tool("q").answers?.(await call("q"))).toBe(true);
  });

  test("with a status of failure are refusals that tell it", async () => {
    const { call } = await openApi(listing, {
      answers: [
        { status: 401, text: "who?" },
        { status: 429, headers: { "retry-after": "7" } },
        { status: 500, text: "x".repeat(9_000) },
      ],
    });
    expect(await refusal(call("q"))).toMatchObject({
      code: "UPSTREAM",
      details: { status: 401, next: expect.stringContaining("credentials") },
    });
    expect(await refusal(call("q"))).toMatchObject({ details: { status: 429, retryAfter: "7" } });
    expect((await refusal(call("q"))).message.length).toBeLessThan(2_200);
  });

  test("of several pages are asked for one by one, as far as is wanted and allowed", async () => {
    const page = (next: string) => ({ json: { items: [1], next } });
    const cursor = { paging: { q: { by: "cursor", argument: "cursor", cursor: "next", most: 3 } } } as const;
    const { call, asked } = await openApi(listing, {
      ...cursor,
      answers: [page("b"), page("c"), page("d"), page("b")],
    });
    const all = await call("q", { pages: 3 });
    expect(asked.map(({ url }) => new URL(url).search)).toEqual(["", "?cursor=b", "?cursor=c"]);
    expect(all).toMatchObject({ next: "d", more: [{ origin: "https://api.example/v1/q?cursor=b" }, {}] });
    expect(await refusal(call("q", { pages: 4 }))).toMatchObject({ code: "VALIDATION_ERROR" });
    expect(await call("q", { pages: 2 }, (resource) => !toUri(resource).includes("cursor"))).not.toHaveProperty("more");
    await expect(
      openApi(listing, { paging: { r: { by: "cursor", argument: "cursor", cursor: "next", most: 3 } } }),
    ).rejects.toThrow(/no parameter/);
  });

  test("name the page behind in a Link header, which leads nowhere else", async () => {
    const links = [
      ['</v1/q?page=2>; rel="next"', "https://api.example/v1/q?page=2"],
      ['<https://api.example/v1/q?page=2>; rel=next, </v1/q?page=9>; rel="last"', "https://api.example/v1/q?page=2"],
      ['</v1/q?page=1>; rel="prev"', undefined],
      ['<https://evil.example/v1/q?page=2>; rel="next"', undefined],
      ['</v1/admin?page=2>; rel="next"', undefined],
      ['<//evil.example/v1/q>; rel="next"', undefined],
      ['<http://api.example/v1/q?page=2>; rel="next"', undefined],
      ['</v1/q/../admin>; rel="next"', undefined],
      [`${"<".repeat(50_000)}`, undefined],
      [`</v1/q?page=2>; rel=${" ".repeat(50_000)}`, undefined],
    ] as const;
    for (const [link, next] of links) {
      const { call } = await openApi(listing, {
        paging: { "*": { by: "link", most: 2 } },
        answers: [{ json: { items: [] }, headers: { link } }],
      });
      expect((await call("q")).next, link.slice(0, 80)).toBe(next);
    }
  });
});
