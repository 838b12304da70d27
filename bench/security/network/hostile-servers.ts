// Hostile servers, each on a port of its own, in a process of their own: what they hold is not the fetcher's memory. Tells its parent their ports and the
// certificate that is to be trusted.
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { selfSigned } from "../../../test/support/self-signed.ts";
import { behaviours } from "./behaviours.ts";

const day = 86_400_000;
const now = Date.now();
const valid = { from: new Date(now - day), to: new Date(now + day) };
const past = { from: new Date(now - 9 * day), to: new Date(now - day) };
const certificates = {
  "tls-expired": selfSigned("site.test", past),
  "tls-wrong-host": selfSigned("other.test", valid),
  "tls-self-signed": selfSigned("site.test", valid),
} as const;

function open(name: string): Server {
  const behave = behaviours[name];
  if (!behave) throw new Error(name);
  const atOnce = /^tls-(never|garbage)/.test(name);
  const serve = (socket: Socket): void => {
    socket.on("error", () => {});
    if (atOnce) behave(socket);
    else socket.once("data", () => behave(socket));
  };
  const certificate = certificates[name as keyof typeof certificates];
  if (!certificate) return createServer(serve);
  const key = certificate.key.export({ type: "pkcs8", format: "pem" });
  return createTlsServer({ key, cert: certificate.cert }, serve).on("tlsClientError", () => {});
}

const ports: Record<string, number> = {};
for (const name of Object.keys(behaviours)) {
  const server = open(name);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ports[name] = (server.address() as AddressInfo).port;
}
// Trusted, so that the name and the time alone are wrong; the third one nobody trusts.
const ca = certificates["tls-expired"].cert + certificates["tls-wrong-host"].cert;
process.send?.({ ports, ca });
process.once("disconnect", () => process.exit(0));
