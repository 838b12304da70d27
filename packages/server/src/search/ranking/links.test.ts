import { expect, test } from "vitest";
import { toLinkKeys } from "./links.ts";

test.each([
  ["Pump", ["pump"]],
  ["Garden/Pump.md", ["/garden/pump"]],
  ["/Garden/Pump", ["/garden/pump"]],
  ["./Pump.md", ["/notes/pump", "/pump"]],
  ["../Pump.md", ["/pump"]],
  ["../../Pump.md", []],
  ["/", []],
  ["./a\nb", []],
  ["x\u0000", []],
  ["\ud800", []],
  ["a".repeat(501), []],
])("a link to %j in notes/ is kept under %j", (target, keys) => {
  expect(toLinkKeys([target], "notes/note.md")).toEqual(keys);
});
