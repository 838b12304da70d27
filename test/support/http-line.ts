import { request as httpRequest, type IncomingMessage } from "node:http";
import { type AddressInfo, connect, createServer } from "node:net";

export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const found = (probe.address() as AddressInfo).port;
  await new Promise((resolve) => probe.close(resolve));
  return found;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface Wanted {
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly method: string;
}

/** A request whose Host and Origin are whatever is wanted: fetch would not send them. */
export const sendRequest = ({ port, path, headers, method }: Wanted): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const read = (response: IncomingMessage): void => {
      let body = "";
      response.on("data", (chunk) => {
        body += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    };
    const request = httpRequest({ port, host: "127.0.0.1", path, method, headers, agent: false }, read);
    request.once("upgrade", (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: "" });
    });
    request.once("error", reject);
    request.end();
  });

/** Sends bytes as they are, and gives what came back until the server closed. */
export const speakRaw = (port: number, text: string): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(text));
    let said = "";
    socket.on("data", (chunk) => {
      said += chunk;
    });
    socket.once("close", () => resolve(said));
  });
