import { expect, it } from "vitest";
import { maskedSummary } from "./summary.ts";

it("says how many were masked, and of which kind", () => {
  expect(maskedSummary({ "private-key": 1, "aws-access-key": 1 })).toBe(
    "masked 2 secrets (aws-access-key 1, private-key 1)",
  );
  expect(maskedSummary({ jwt: 1 })).toBe("masked 1 secret (jwt 1)");
  expect(maskedSummary({})).toBeUndefined();
});
