import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { Socket } from "node:net";

/** One TCP connection that came in, whatever address it was meant for. */
export interface Arrival {
  readonly address: string;
  readonly port: number;
}

export interface Asked extends Arrival {
  readonly host: string | undefined;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

export interface Listeners {
  readonly arrivals: Arrival[];
  readonly asked: Asked[];
  forget(): void;
  close(): void;
}

/** HTTP on each of the ports and on every address: `/r?code&to` redirects, `/chain?n&to` does so n times, `/loop` for ever, the rest is text. */
export async function listenEverywhere(ports: Iterable<number>): Promise<Listeners> {
  const arrivals: Arrival[] = [];
  const asked: Asked[] = [];
  const servers: Server[] = [];
  for (const port of ports) {
    const server = createServer({ keepAlive: false }, (request, response) => {
      asked.push({
        ...arrivalOf(request.socket),
        host: request.headers.host,
        path: request.url ?? "",
        headers: request.headers,
      });
      const { pathname, searchParams } = new URL(`http://x${request.url ?? "/"}`);
      const to = searchParams.get("to") ?? "";
      response.setHeader("connection", "close");
      const redirect = (status: number, location: string): void => {
        response.writeHead(status, { location }).end();
      };
      const left = Number(searchParams.get("n"));
      if (pathname === "/r") redirect(Number(searchParams.get("code")), to);
      else if (pathname === "/chain" && left > 1) redirect(302, `/chain?n=${left - 1}&to=${encodeURIComponent(to)}`);
      else if (pathname === "/chain") redirect(302, to);
      else if (pathname === "/loop") redirect(302, "/loop");
      else response.setHeader("content-type", "text/plain").end("CANARY");
    });
    server.on("connection", (socket: Socket) => arrivals.push(arrivalOf(socket)));
    server.on("clientError", (_error, socket) => socket.destroy());
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, "::", resolve));
    servers.push(server);
  }
  return {
    arrivals,
    asked,
    forget() {
      arrivals.length = 0;
      asked.length = 0;
    },
    close() {
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
      }
    },
  };
}

const arrivalOf = ({ localAddress = "", localPort = 0 }: Socket): Arrival => ({
  address: localAddress.replace(/^::ffff:(?=\d+\.)/, ""),
  port: localPort,
});
