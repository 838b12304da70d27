import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { selfSigned } from "../../../../test/support/self-signed.ts";
import { createGuardedFetch, type GuardedFetch } from "./guarded-fetch.ts";

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
