import fc from "fast-check";
import { expect, test } from "vitest";
import { toDocumentId } from "../search/document-id.ts";
import { formatReference, NoReference, parseReference, toReference } from "./citation-reference.ts";

const hash = "a".repeat(64);

test("what is written is read back", () => {
  const name = fc.string({ minLength: 1, maxLength: 20 }).filter((each) => !/^\.{1,2}$|[/\0]/.test(each));
  fc.assert(
    fc.property(name, name, fc.option(name), fc.nat(), fc.nat(), (folder, path, part, start, length) => {
      const id = toDocumentId(folder, path, part ?? "");
      const range = { form: "bytes", start, end: start + length } as const;
      expect(parseReference(formatReference({ id, ...range }))).toEqual({ id, ...range });
      const uri = `file:///${encodeURIComponent(folder)}/${encodeURIComponent(path)}`;
      const full = { uri, ...range, form: "text", ...(part !== null && { part }) } as const;
      expect(parseReference(formatReference(full))).toEqual(full);
    }),
  );
  expect(parseReference(`notes/a.md#bytes=1-2&sha256=${hash.toUpperCase()}`).sha256).toBe(hash);
});

test("text that is no citation is refused", () => {
  for (const text of [
    ...["", "#bytes=1-2", "notes/a.md", "notes/a.md#bytes=2-1", "notes/a.md#bytes=-1-2", "notes/a.md#page=2"],
    ...["notes/../a.md#bytes=1-2", "notes//a#bytes=1-2", "https://a.example/b#bytes=1-2", "file://host/a#bytes=1-2"],
    ...["notes/a.md#bytes=1-2&part=%", "notes/a.md#bytes=1-2&sha256=12", "notes/a.md#bytes=1-2&x=1"],
    ...["notes/a.md#bytes=1-9999999999999999"],
  ])
    expect(() => parseReference(text), text).toThrow(NoReference);
});

test("citations of answers and passages of index.query are read", () => {
  const citation = { id: "export.json!c1", uri: "file:///a/export.json", start: 3, end: 9, sha256: hash };
  expect(() => toReference(citation)).not.toThrow();
  expect(toReference({ ...citation, id: "notes/export.json!c1", stale: false })).toEqual({
    ...citation,
    id: "notes/export.json!c1",
    part: "c1",
  });
  expect(toReference({ ...citation, id: "notes/a.pdf", derived: true, text: "x" }).form).toBe("text");
  for (const wrong of [null, 3, {}, { ...citation, start: "3" }, { ...citation, end: 1 }, { ...citation, sha256: "z" }])
    expect(() => toReference(wrong), JSON.stringify(wrong)).toThrow(NoReference);
});
