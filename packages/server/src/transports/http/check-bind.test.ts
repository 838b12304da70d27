import { expect, test } from "vitest";
import { checkBind } from "./check-bind.ts";

test.each([
  ["127.0.0.1", false, true],
  ["127.8.9.1", false, true],
  ["localhost", false, true],
  ["::1", false, true],
  ["0.0.0.0", false, false],
  ["::", false, false],
  ["", false, false],
  ["192.168.1.2", false, false],
  ["localhost.evil.test", false, false],
  ["127.0.0.1.evil.test", false, false],
  ["0.0.0.0", true, true],
])("on %j with a proxy declared: %j, it may: %j", (host, behindProxy, may) => {
  expect(checkBind({ host, behindProxy }) === undefined).toBe(may);
});
