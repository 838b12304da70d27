import fc from "fast-check";
import { expect, test } from "vitest";
import { parseUrl, toHost, toPort } from "./parse-url.ts";

const reason = (text: string): string | undefined => {
  const parsed = parseUrl(text);
  return "fault" in parsed ? parsed.fault.reason : undefined;
};

test.each([
  ["http://example.com\\@other.test/", "characters"],
  ["http://exa mple.com/", "characters"],
  [" http://example.com/", "characters"],
  ["http://example.com/\u0000", "characters"],
  ["http://example.com/\ud800", "characters"],
  ["http://example\u3000.com/", "characters"],
  ["ftp://example.com/", "scheme"],
  ["file:///etc/passwd", "scheme"],
  ["javascript:alert(1)", "scheme"],
  ["//example.com/", "form"],
  ["http:example.com", "form"],
  ["http:/example.com", "form"],
  ["http:///example.com", "form"],
  ["http://", "form"],
  ["http://[::1%25eth0]/", "form"],
  ["http://user@example.com/", "userinfo"],
  ["http://@example.com/", "userinfo"],
  ["http://a:b@example.com/", "userinfo"],
  ["http://a..b/", "host"],
  ["http://a$b/", "host"],
  ["http://example.com:25/", "port"],
  ["http://example.com:0/", "port"],
  [`http://example.com/${"a".repeat(8_192)}`, "length"],
])("%j is refused for its %s", (text, expected) => {
  expect(reason(text)).toBe(expected);
});

test("what stays is one canonical URL: no final dot, no fragment, IDNA and numbers as the parser writes them", () => {
  const href = (text: string): string | undefined => {
    const parsed = parseUrl(text);
    return "url" in parsed ? parsed.url.href : undefined;
  };
  expect(href("HTTP://Example.COM./a#b")).toBe("http://example.com/a");
  expect(href("http://ａ.test/")).toBe("http://a.test/");
  expect(href("http://0x7f.1/")).toBe("http://127.0.0.1/");
  expect(href("http://127.0.0.1./")).toBe("http://127.0.0.1/");
  expect(href("https://[2606:4700:0:0::1]:443/")).toBe("https://[2606:4700::1]/");
});

test("whatever is accepted reads back as itself, with the host that its text names and nobody's credentials", () => {
  const characters = fc.constantFrom(..."http://@:.#?\\[]%a1-_ \t\u00ad\u200b。/");
  const texts = fc.string({ unit: characters, maxLength: 24 }).map((tail) => `http://${tail}`);
  fc.assert(
    fc.property(fc.oneof(texts, fc.webUrl()), (text) => {
      const parsed = parseUrl(text);
      if ("fault" in parsed) return;
      const again = parseUrl(parsed.url.href);
      expect("url" in again && again.url.href).toBe(parsed.url.href);
      expect(parsed.url.username + parsed.url.password + parsed.url.hash).toBe("");
      expect(toHost(parsed.url)).toMatch(/^[a-z0-9._:-]+$/);
      expect(toPort(parsed.url)).toBeGreaterThan(0);
    }),
    { numRuns: 2_000 },
  );
});
