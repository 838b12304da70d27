import { type McpServer, ResourceTemplate } from "@modelcontextprotocol/server";
import { pixel } from "./fixture-samples.ts";

export function addResources(server: McpServer): void {
  const texts = {
    "static-text": "This is the content of the static text resource.",
    "watched-resource": "Watched resource content",
  };
  for (const [name, text] of Object.entries(texts)) {
    const uri = `test://${name}`;
    server.registerResource(name, uri, { title: name, mimeType: "text/plain" }, async () => ({
      contents: [{ uri, mimeType: "text/plain", text }],
    }));
  }
  server.registerResource(
    "static-binary",
    "test://static-binary",
    { title: "static-binary", mimeType: "image/png" },
    async ({ href }) => ({
      contents: [{ uri: href, mimeType: "image/png", blob: pixel }],
    }),
  );
  const template = new ResourceTemplate("test://template/{id}/data", { list: undefined });
  server.registerResource(
    "template",
    template,
    { title: "template", mimeType: "application/json" },
    async ({ href }, { id }) => ({
      contents: [
        {
          uri: href,
          mimeType: "application/json",
          text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }),
        },
      ],
    }),
  );
  server.server.setRequestHandler("resources/subscribe", async () => ({}));
  server.server.setRequestHandler("resources/unsubscribe", async () => ({}));
}
