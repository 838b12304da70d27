import { expect, test } from "vitest";
import { titleOf } from "./title.ts";

test.each([
  ['---\ntitle: "A: title"\n---\n# Other\n', "notes/a.md", "A: title"],
  [
    "---\ntags: [x]\n---\n\n```sh\n# not this\n```\n## The **first** [[Page|heading]] ##\n",
    "a.md",
    "The first heading",
  ],
  ["Underlined\n=====\n", "a.md", "Underlined"],
  ["No heading here.\n", "notes/My note.md", "My note"],
  ["---\ntitle:\n---\n", "notes/b.md", "b"],
  ["# \u202Eevil\u200B name\n", "a.md", "evil name"],
  ["#!/bin/sh\n", "bin/run.sh", "run.sh"],
  ["", ".env", ".env"],
])("%j", (text, path, title) => {
  expect(titleOf(text, path.endsWith(".md") ? "markdown" : "code", path)).toBe(title);
});
