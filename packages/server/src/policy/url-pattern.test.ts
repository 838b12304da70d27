import { describe, expect, test } from "vitest";
import { compilePolicy } from "./compile.ts";
import { PatternError } from "./fault.ts";
import { compileUrl } from "./url-pattern.ts";
import { readUrl } from "./url-reading.ts";

/** Whether a policy with this one pattern decides about the URL as the pattern's effect says. */
function fits(pattern: string, href: string, effect: "allow" | "deny" = "allow"): boolean {
  const scope =
    effect === "allow" ? { allow: [pattern] } : { allow: ["http://*:*/**", "https://*:*/**"], deny: [pattern] };
  const text = JSON.stringify({ subject: "me", scopes: [{ tool: "get", ...scope }] });
  const { policy, faults } = compilePolicy([{ path: "p.yaml", text }], { home: "/h", served: [] });
  if (!policy) throw new PatternError(JSON.stringify(faults));
  const resource = { kind: "url", href: new URL(href).href, method: "GET" } as const;
  const purpose = { text: "test", stated: true };
  const verdict = policy.decide({ subject: "me", tool: "get", effect: "read", resource, purpose, now: 0 });
  return effect === "allow" ? verdict.effect === "allow" : verdict.effect === "deny" && verdict.reason === "denied";
}

describe("a URL pattern", () => {
  test.each([
    ["https://a.test/**", "https://a.test/", true],
    ["https://a.test/**", "https://A.TEST./x?y=1#z", true],
    ["https://a.test/**", "http://a.test/", false],
    ["https://a.test/**", "https://a.test:8443/", false],
    ["https://a.test:443/**", "https://a.test/", true],
    ["https://a.test:*/**", "https://a.test:8443/x", true],
    ["https://a.test/**", "https://a.test.evil.test/", false],
    ["https://a.test/**", "https://evil.test/a.test/", false],
    ["https://a.test/**", "https://evil.test/?https://a.test/", false],
    ["https://a.test/**", "https://xa.test/", false],
    ["https://*.a.test/**", "https://b.a.test/", true],
    ["https://*.a.test/**", "https://c.b.a.test/", true],
    ["https://*.a.test/**", "https://a.test/", false],
    ["https://*.a.test/**", "https://xa.test/", false],
    ["prompt://*", "prompt://daily", true],
    ["prompt://daily", "prompt://daily", true],
    ["prompt://daily", "prompt://daily-2", false],
    ["prompt://daily", "prompt://daily/x", false],
    ["prompt://*", "model://daily", false],
    ["model://*", "prompt://daily", false],
    ["https://*/**", "model://daily", false],
    ["https://api.*.a.test/**", "https://api.eu.a.test/", true],
    ["https://api.*.a.test/**", "https://api.x.eu.a.test/", false],
    ["https://*/**", "https://127.0.0.1/", true],
    ["http://127.0.0.1:*/**", "http://2130706433:9/x", true],
    ["http://[::1]:*/**", "http://[0:0::1]:3000/", true],
    ["https://bücher.test/**", "https://xn--bcher-kva.test/", true],
    ["https://a.test/me/**", "https://a.test/me", true],
    ["https://a.test/me/**", "https://a.test/men", false],
    ["https://a.test/me/**", "https://a.test/me/../you", false],
    ["https://a.test/me/**", "https://a.test/me/%2e%2e/you", false],
    ["https://a.test/me/**", "https://a.test/me/..%2fyou", false],
    ["https://a.test/me/**", "https://a.test/me/..%252fyou", false],
    ["https://a.test/me/**", "https://a.test/me/..%5cyou", false],
    ["https://a.test/me/**", "https://a.test/me/..;/you", false],
    ["https://a.test/me/**", "https://a.test/me/a%2Fb", true],
    ["https://a.test/p/me%2Frepo/**", "https://a.test/p/me%2frepo/issues", true],
    ["https://a.test/p/me%2Frepo/**", "https://a.test/p/me/repo/issues", false],
    ["https://a.test/a b", "https://a.test/a b", undefined],
    ["https://a.test/a%20b", "https://a.test/a b", true],
    ["https://a.test/ü/*", "https://a.test/%C3%BC/x", true],
    ["https://a.test/%2A", "https://a.test/x", false],
    ["https://a.test/%2A", "https://a.test/*", true],
    ["https://a.test/x?q=1", "https://a.test/x?q=1", true],
    ["https://a.test/x?q=1", "https://a.test/x", false],
    ["https://a.test/x?q=1", "https://a.test/x?q=1&admin=1", false],
    ["https://a.test/x?q=1&**", "https://a.test/x?b=2&q=1", true],
    ["https://a.test/x?q=*", "https://a.test/x?q=1%262", true],
    ["https://a.test/x?", "https://a.test/x?q", false],
    ["https://a.test", "https://a.test/", true],
    ["https://a.test", "https://a.test/x", false],
    ["https://a.test/a/", "https://a.test/a/", true],
    ["https://a.test/a/", "https://a.test/a", false],
  ])("%s allows %s: %s", (pattern, href, expected) => {
    if (expected === undefined) expect(() => compileUrl(pattern, "allow")).toThrow(PatternError);
    else expect(fits(pattern, href)).toBe(expected);
  });

  test.each([
    ["https://a.test/private/**", "https://a.test/%70rivate/x"],
    ["https://a.test/private/**", "https://a.test//private/x"],
    ["https://a.test/private/**", "https://a.test/x/..%2Fprivate/x"],
    ["https://a.test/private/**", "https://a.test/private;v=1/x"],
    ["https://a.test/private/**", "https://a.test/%2570rivate/x"],
    ["https://a.test/private", "https://a.test/private/x"],
    ["https://a.test/private/", "https://a.test/private/x"],
    ["https://a.test", "https://a.test/x"],
    ["https://a.test/a%2Fb/**", "https://a.test/a/b/c"],
    ["https://a.test/a/b/**", "https://a.test/a%2Fb/c"],
    ["https://a.test/x?admin=*", "https://a.test/x?a=1&%61dmin=1"],
    ["https://*.a.test", "https://b.a.test./x"],
  ])("%s denies %s", (pattern, href) => {
    expect(fits(pattern, href, "deny")).toBe(true);
  });

  test.each([
    "ftp://a.test/**",
    "https:///x",
    "https://u:p@a.test/**",
    "https://a.test@evil.test/**",
    "https://a.test\\@evil.test/**",
    "https://a*.test/**",
    "https://*.*/**",
    "https://a.*/**",
    "https://*.0.0.1/**",
    "https://a.test:x/**",
    "https://a.test:/**",
    "https://a.test:70000/**",
    "https://a.te%73t/**",
    "https://a.test/../x",
    "https://a.test/%2e%2e/x",
    "https://a.test/a//b",
    "https://a.test/{a,b}",
    "https://a.test/[a]",
    "https://a.test/a**",
    "https://a.test/#x",
    "https://a.test/%00",
    "https://a.test/\u0001",
    "https://[::1/**",
    "https://a b.test/**",
  ])("%s is refused", (pattern) => {
    expect(() => compileUrl(pattern, "allow")).toThrow(PatternError);
  });

  test.each([
    "https://u@a.test/",
    "https://:p@a.test/",
    "ftp://a.test/",
    "file:///etc/passwd",
    "https://a.test/%25252525252541",
  ])("%s cannot be judged", (href) => {
    expect(readUrl(href)).toBeUndefined();
  });

  test("a URL that is not in its serialised form cannot be judged", () => {
    for (const href of [
      "https://A.test/",
      "https://a.test",
      "https://a.test/a/../b",
      "https:\\\\a.test/",
      " https://a.test/",
    ])
      expect(readUrl(href)).toBeUndefined();
  });
});
