import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

/** A small bridge to a folder of texts, as many a home has one: `/v1/files`, `/v1/search`, and a note that can be left. It knows one key. */
const [folder = join(import.meta.dirname, "library"), port = "7080"] = process.argv.slice(2);
const key = process.env.BRIDGE_KEY ?? "";
const notes: string[] = [];
const names = (): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".txt"))
    .sort();

const server = createServer(async (request, response) => {
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const send = (status: number, value: unknown): void => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
  };
  if (key === "" || request.headers.authorization !== `Bearer ${key}`) return send(401, { error: "no such key" });
  switch (`${request.method} ${url.pathname}`) {
    case "GET /v1/files": {
      const name = url.searchParams.get("path");
      if (name === null) {
        const from = Number(url.searchParams.get("cursor") ?? 0);
        const files = names().slice(from, from + 2);
        return send(200, { files, ...(from + 2 < names().length && { next: String(from + 2) }) });
      }
      if (!names().includes(name)) return send(404, { error: "there is no such file" });
      return send(200, { path: name, content: readFileSync(join(folder, name), "utf8") });
    }
    case "GET /v1/search": {
      const words = (url.searchParams.get("q") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
      const found = names().flatMap((path) => {
        const lines = readFileSync(join(folder, path), "utf8").split("\n");
        const line = lines.find((one) => words.some((word) => one.toLowerCase().includes(word)));
        return line === undefined ? [] : [{ path, title: lines[0], snippet: line }];
      });
      return send(200, { results: found });
    }
    case "POST /v1/notes": {
      let body = "";
      for await (const chunk of request) body += chunk;
      notes.push((JSON.parse(body) as { text: string }).text);
      return send(201, { notes: notes.length });
    }
    default:
      return send(404, { error: "there is nothing here" });
  }
});

server.listen(Number(port), "127.0.0.1", () => {
  console.log(`The bridge is at http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
