import fc from "fast-check";
import { expect, test } from "vitest";
import { fromDocumentId, locate, toDocumentId } from "./document-id.ts";

const segment = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 20 })
  .filter((text) => !/[/\0]/.test(text) && text !== "." && text !== ".." && text.isWellFormed());
const path = fc.array(segment, { minLength: 1, maxLength: 6 }).map((segments) => segments.join("/"));

test("each path has one id and each id one path", () => {
  fc.assert(
    fc.property(segment, path, fc.string({ unit: "grapheme" }), (folder, inside, name) => {
      const part = name.toWellFormed();
      const id = toDocumentId(folder, inside, part);
      expect(fromDocumentId(id)).toEqual({ folder, path: inside, part });
    }),
  );
});

test("an id stands in a URL path as it is", () => {
  fc.assert(
    fc.property(segment, path, (folder, inside) => {
      const id = toDocumentId(folder, inside, "part/one");
      expect(id).toMatch(/^[A-Za-z0-9\-._~%/]+!part%2Fone$/);
      expect(new URL(`http://127.0.0.1/d/${id}`).pathname).toBe(`/d/${id}`);
    }),
  );
});

test("any other text that decodes to a path is no id", () => {
  fc.assert(
    fc.property(
      fc.string({
        unit: fc.constantFrom("a", ".", "/", "%2F", "%2e", "%2E", "%", "%c3%a4", "%61", "\\", " ", "?", "!"),
      }),
      (text) => {
        const parts = fromDocumentId(text);
        if (parts) expect(toDocumentId(parts.folder, parts.path, parts.part)).toBe(text);
      },
    ),
  );
  for (const id of [
    "notes",
    "notes/",
    "/notes/a.md",
    "notes/../a.md",
    "notes/%2e%2e/a.md",
    "notes/%2E%2E/a.md",
    "notes/..%2Fa.md",
    "notes/a%2Fb.md",
    "notes//a.md",
    "notes/./a.md",
    "notes/a.md%00",
    "notes/%61.md",
    "notes/ä.md",
    "notes/%c3%a4.md",
    "notes/%E4.md",
    "notes/a.md?x",
    "notes/a.md#x",
    "notes/a.md!",
    "notes/a.md!x/y",
    "notes/a.md!x!y",
    "",
  ]) {
    expect(fromDocumentId(id), id).toBeUndefined();
  }
});

test("an id of a folder that is not served is not found", () => {
  const folders = [{ name: "notes", path: "/srv/notes" }];
  expect(locate(folders, "notes/a%20b.md")).toEqual({ source: "/srv/notes", path: "a b.md", part: "" });
  expect(() => locate(folders, "other/a.md")).toThrow("There is no document with the id");
});
