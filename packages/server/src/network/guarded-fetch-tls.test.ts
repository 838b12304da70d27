import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { createGuardedFetch, type GuardedFetch } from "./guarded-fetch.ts";

// Just enough DER (X.690) for a self-signed certificate (RFC 5280), so that no key has to be kept in the repository.
const der = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
};
const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts);
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, "hex"));
const time = (date: Date): Buffer => der(0x18, Buffer.from(`${date.toISOString().replace(/[-:T]|\.\d+/g, "")}`));

function selfSigned(
  name: string,
  { from, to }: { readonly from: Date; readonly to: Date },
): { readonly key: KeyObject; readonly cert: string } {
  const { privateKey: key, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = sequence(oid("2a8648ce3d040302"));
  const subject = sequence(der(0x31, sequence(oid("550403"), der(0x0c, Buffer.from(name)))));
  const names = sequence(oid("551d11"), der(0x04, sequence(der(0x82, Buffer.from(name)))));
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    subject,
    sequence(time(from), time(to)),
    subject,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(names)),
  );
  const signature = der(0x03, Buffer.from([0]), sign("sha256", body, key));
  const base64 = sequence(body, algorithm, signature).toString("base64");
  return { key, cert: `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n` };
}

const day = 86_400_000;
const now = Date.now();
const valid = { from: new Date(now - day), to: new Date(now + day) };
const servers: { close(): void }[] = [];

afterEach(() => {
  vi.unstubAllEnvs();
  for (const server of servers.splice(0)) server.close();
});

async function serve(
  { key, cert }: ReturnType<typeof selfSigned>,
  location = "",
): Promise<{ readonly fetch: GuardedFetch; readonly port: number }> {
  const server = createServer({ key: key.export({ type: "pkcs8", format: "pem" }), cert }, (request, response) => {
    if (location !== "") response.writeHead(302, { location }).end();
    else response.setHeader("content-type", "text/plain").end(`${request.headers.host}`);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    fetch: createGuardedFetch({ lookup: async () => ["127.0.0.1"], privateHosts: ["site.test:*"], ca: cert }),
  };
}

test("https is verified against the URL's name, not against the pinned address", async () => {
  const { fetch, port } = await serve(selfSigned("site.test", valid));
  const { body } = await fetch({ url: `https://site.test:${port}/`, reach: () => "public" });
  expect(String(Buffer.from(body))).toBe(`site.test:${port}`);
});

test.each([
  ["for another name", selfSigned("other.test", valid)],
  ["that has expired", selfSigned("site.test", { from: new Date(now - 2 * day), to: new Date(now - day) })],
])("a certificate %s is refused, also when the environment says not to look", async (_, certificate) => {
  const { fetch, port } = await serve(certificate);
  vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
  await expect(fetch({ url: `https://site.test:${port}/`, reach: () => "public" })).rejects.toMatchObject({
    code: "UPSTREAM",
    details: { reason: "tls" },
  });
});

test("https never redirects down to http", async () => {
  const { fetch, port } = await serve(selfSigned("site.test", valid), "http://site.test/");
  await expect(fetch({ url: `https://site.test:${port}/`, reach: () => "public" })).rejects.toMatchObject({
    code: "PERMISSION_DENIED",
    details: { reason: "redirect_downgrade" },
  });
});
