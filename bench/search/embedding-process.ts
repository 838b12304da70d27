// The embedding endpoint of the tests in a process of its own, so that its work is not the server's: tells its URL, and how many texts it was given when asked.
import { startEmbeddingServer } from "../../test/support/embeddings/embedding-server.ts";

const endpoint = await startEmbeddingServer({ dimensions: 384 });
process.send?.({ url: endpoint.url });
process.on("message", () =>
  process.send?.({ texts: endpoint.asked.reduce((sum, { texts }) => sum + texts.length, 0) }),
);
process.once("disconnect", () => process.exit());
