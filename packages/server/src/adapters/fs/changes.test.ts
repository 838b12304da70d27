import { expect, test } from "vitest";
import { Changes } from "./changes.ts";

/** A folder in which `a` (inode 1) and `b` (inode 2) lie. */
function folder(): Changes {
  const changes = new Changes();
  changes.present("a", "1");
  changes.present("b", "2");
  changes.take();
  return changes;
}

test("a file that comes, changes and goes", () => {
  const changes = folder();
  changes.present("c", "3");
  expect(changes.take()).toEqual([{ kind: "added", path: "c" }]);
  changes.present("c", "3");
  expect(changes.take()).toEqual([{ kind: "changed", path: "c" }]);
  changes.gone("c");
  expect(changes.take()).toEqual([{ kind: "removed", path: "c" }]);
  expect(changes.take()).toEqual([]);
});

test("another name of the same file is a rename, in whichever order it is noticed", () => {
  for (const first of ["old", "new"]) {
    const changes = folder();
    if (first === "old") changes.gone("a");
    changes.present("c", "1");
    if (first === "new") changes.gone("a");
    expect(changes.take()).toEqual([{ kind: "renamed", path: "c", from: "a" }]);
  }
});

test("a file that is replaced by a temporary one has changed, and the temporary one was never there", () => {
  const changes = folder();
  changes.present("a.tmp", "9");
  changes.gone("a.tmp");
  changes.present("a", "9");
  expect(changes.take()).toEqual([{ kind: "changed", path: "a" }]);
});

test("what is gone and back under another inode has changed; two that swap names are two renames", () => {
  const changes = folder();
  changes.gone("a");
  changes.present("a", "5");
  expect(changes.take()).toEqual([{ kind: "changed", path: "a" }]);
  changes.present("a", "2");
  changes.present("b", "5");
  expect(changes.take().map(({ path }) => path)).toEqual(["a", "b"]);
});
