import fc from "fast-check";
import { expect, test } from "vitest";
import { classifyAddress, isSameAddress } from "./classify-address.ts";

test.each([
  [
    "public",
    [
      "1.1.1.1",
      "11.0.0.1",
      "100.128.0.1",
      "172.32.0.1",
      "198.20.0.1",
      "223.255.255.255",
      "2606:4700::1",
      "2001:4860:4860::8888",
    ],
  ],
  ["loopback", ["127.0.0.1", "127.255.255.255", "::1", "0:0:0:0:0:0:0:1"]],
  ["private", ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "fc00::1", "fdff::1"]],
  [
    "reserved",
    [
      "0.0.0.0",
      "0.1.2.3",
      "169.254.169.254",
      "100.100.100.200",
      "192.0.0.192",
      "192.0.2.1",
      "192.88.99.1",
      "198.18.0.1",
      "203.0.113.9",
      "224.0.0.1",
    ]
      .concat([
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "fd00:ec2::254",
        "4000::1",
        "5f00::1",
        "2001:db8::1",
        "3fff::1",
      ])
      .concat([
        "2001::1",
        "2002:7f00:1::",
        "2620:4f:8000::1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:1.1.1.1",
      ])
      .concat([
        "fe80::1%eth0",
        "2606:4700::1%eth0",
        "127.1",
        "0177.0.0.1",
        "2130706433",
        "",
        "example.com",
        "1.1.1.1 ",
      ]),
  ],
])("%s", (kind, addresses) => {
  for (const address of addresses) expect(classifyAddress(address), address).toBe(kind);
});

/** The same judgement by plain arithmetic: a number inside one of the ranges of the registry. */
const special4: readonly (readonly [number, number])[] = (
  [
    [0, 8],
    [0x0a000000, 8],
    [0x64400000, 10],
    [0x7f000000, 8],
    [0xa9fe0000, 16],
    [0xac100000, 12],
    [0xc0000000, 24],
    [0xc0000200, 24],
    [0xc01fc400, 24],
    [0xc034c100, 24],
    [0xc0586300, 24],
    [0xc0a80000, 16],
    [0xc0af3000, 24],
    [0xc6120000, 15],
    [0xc6336400, 24],
    [0xcb007100, 24],
    [0xe0000000, 3],
  ] as const
).map(([start, bits]) => [start, start + 2 ** (32 - bits)]);

test("an IPv4 address is public exactly when it is in no special block", () => {
  const edges = special4
    .flatMap(([start, end]) => [start - 1, start, end - 1, end])
    .filter((n) => n >= 0 && n < 2 ** 32);
  fc.assert(
    fc.property(fc.oneof(fc.nat(2 ** 32 - 1), fc.constantFrom(...edges)), (number) => {
      const address = [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
      const special = special4.some(([start, end]) => number >= start && number < end);
      expect(classifyAddress(address) === "public", address).toBe(!special);
    }),
    { numRuns: 5_000 },
  );
});

test("an IPv6 address is public only inside 2000::/3, and never when it carries an IPv4 address", () => {
  fc.assert(
    fc.property(fc.ipV6(), (address) => {
      const [first = 0, second = 0] = new URL(`http://[${address}]/`).hostname
        .slice(1)
        .split(":")
        .map((part) => Number.parseInt(part || "0", 16));
      if (classifyAddress(address) !== "public") return;
      expect(first & 0xe000).toBe(0x2000);
      expect(first).not.toBe(0x2002);
      expect(first === 0x2001 && second < 0x0200).toBe(false);
    }),
    { numRuns: 5_000 },
  );
});

test("addresses are compared by what they mean", () => {
  expect(isSameAddress("2606:4700::1", "2606:4700:0:0:0:0:0:1")).toBe(true);
  expect(isSameAddress("127.0.0.1", "::ffff:127.0.0.1")).toBe(false);
  expect(isSameAddress("1.1.1.1", "1.1.1.2")).toBe(false);
});
