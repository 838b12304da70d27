import { CallError } from "@portcullis/contracts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Place, toCanonicalPath } from "./canonical-path.ts";

const one: Place = { folders: [{ name: "docs", path: "/srv/docs" }], home: "/home/duck" };
const two: Place = { ...one, folders: [...one.folders, { name: "notes", path: "/home/duck/notes" }] };

const refusal = (input: string, place: Place = one): string => {
  try {
    return `allowed ${toCanonicalPath(input, place)}`;
  } catch (error) {
    return error instanceof CallError ? `${error.code} ${error.details?.reason}` : String(error);
  }
};

test.each([
  ["/srv/docs/a.md", "/srv/docs/a.md"],
  ["~/notes/todo.md", "/home/duck/notes/todo.md"],
  ["~", "/home/duck"],
  ["docs/a.md", "/srv/docs/a.md"],
  ["a.md", "/srv/docs/a.md"],
  [".", "/srv/docs"],
  ["docs", "/srv/docs"],
  ["/", "/"],
  ["/srv/docs/x/../a.md", "/srv/docs/a.md"],
  ["/srv//docs/./a.md/", "/srv/docs/a.md"],
  ["..foo/a..b.txt", "/srv/docs/..foo/a..b.txt"],
  ["...", "/srv/docs/..."],
  ["%2e%2e/x", "/srv/docs/%2e%2e/x"],
  ["$HOME.txt", "/srv/docs/$HOME.txt"],
  ["trailing ", "/srv/docs/trailing "],
  ["back\\slash", "/srv/docs/back\\slash"],
  ["~duck/x", "/srv/docs/~duck/x"],
  ["u\u0308.txt", "/srv/docs/\u00fc.txt"],
  ["c:", "/srv/docs/c:"],
])("%j means %j", (input, path) => {
  expect(toCanonicalPath(input, { ...one, platform: "linux" })).toBe(path);
});

test.each([
  ["../x", "PERMISSION_DENIED outside"],
  ["docs/../../x", "PERMISSION_DENIED outside"],
  ["~/../other", "PERMISSION_DENIED outside"],
  ["/../etc/passwd", "PERMISSION_DENIED outside"],
  ["a\0b", "VALIDATION_ERROR nul"],
  ["a\ud800", "VALIDATION_ERROR surrogate"],
  ["C:\\x", "VALIDATION_ERROR windows_path"],
  ["\\\\host\\share", "VALIDATION_ERROR windows_path"],
  ["x".repeat(256), "VALIDATION_ERROR too_long"],
  ["a/".repeat(2049), "VALIDATION_ERROR too_long"],
  ["", "VALIDATION_ERROR empty"],
])("%j is refused: %s", (input, expected) => {
  expect(refusal(input)).toBe(expected);
});

describe("several folders", () => {
  test("a relative path begins with the name of one", () => {
    expect(toCanonicalPath("notes/a.md", two)).toBe("/home/duck/notes/a.md");
    expect(refusal("a.md", two)).toBe("VALIDATION_ERROR ambiguous_start");
  });
});

test("on Windows, names that would mean a device, a stream or another name are refused", () => {
  for (const name of ["nul", "COM1.txt", "a:b", "a.", "a ", "a\\b"]) {
    expect(refusal(name, { ...one, platform: "win32" })).toBe("VALIDATION_ERROR windows_name");
  }
});

test("whatever the text, the answer is canonical and a relative path stays in its folder", () => {
  const piece = fc.oneof(
    fc.constantFrom("..", ".", "", "~", "docs", "a", "%2e%2e", "..\\", "\u00e9", "e\u0301", "\u2025", "\uff0e\uff0e"),
    fc.string({ unit: "grapheme", maxLength: 8 }),
  );
  const input = fc.tuple(fc.constantFrom("", "/"), fc.array(piece, { maxLength: 8 })).map(([a, b]) => a + b.join("/"));
  fc.assert(
    fc.property(input, (text) => {
      let path: string;
      try {
        path = toCanonicalPath(text, one);
      } catch (error) {
        expect(error).toBeInstanceOf(CallError);
        return;
      }
      expect(path.startsWith("/")).toBe(true);
      expect(path.normalize("NFC")).toBe(path);
      const names = path === "/" ? [] : path.slice(1).split("/");
      expect(names.every((name) => name !== "" && name !== "." && name !== "..")).toBe(true);
      if (!text.startsWith("/")) {
        const start = text === "~" || text.startsWith("~/") ? "/home/duck" : "/srv/docs";
        expect(path === start || path.startsWith(`${start}/`)).toBe(true);
      }
      expect(toCanonicalPath(path, one)).toBe(path);
    }),
    { numRuns: 2_000 },
  );
});
