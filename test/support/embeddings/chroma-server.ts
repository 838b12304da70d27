import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";

const folder = join(import.meta.dirname, "chroma");
const client = join(folder, "node_modules", "chromadb");

export interface ChromaServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Why no Chroma server can be run here, or undefined when one can. */
export function missingChroma(): string | undefined {
  if (existsSync(join(client, "dist", "cli.mjs"))) return undefined;
  const reason = join(folder, ".unavailable");
  return existsSync(reason)
    ? readFileSync(reason, "utf8")
    : "Chroma (418 MB) is not installed: run `npm ci --ignore-scripts` in test/support/embeddings/chroma.";
}

/** The client that is installed beside the server. */
export const loadClient = (): Promise<unknown> => import(pathToFileURL(join(client, "dist", "chromadb.mjs")).href);

/** Starts a real Chroma server over an empty folder, on a free port of the loopback. */
export async function startChroma(): Promise<ChromaServer> {
  const data = mkdtempSync(join(tmpdir(), "portcullis-chroma-"));
  const port = await findPort();
  const url = `http://127.0.0.1:${port}`;
  const args = [join(client, "dist", "cli.mjs"), "run", "--path", data, "--host", "127.0.0.1", "--port", String(port)];
  const child = spawn(process.execPath, args, { cwd: data, stdio: "ignore" });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
    rmSync(data, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  const deadline = performance.now() + 30_000;
  while (!(await isUp(url))) {
    if (performance.now() > deadline || child.exitCode !== null) {
      await stop();
      throw new Error("The Chroma server did not start within 30 s.");
    }
    await delay(50);
  }
  return { url, stop };
}

const isUp = (url: string): Promise<boolean> =>
  fetch(`${url}/api/v2/heartbeat`).then(
    (answer) => answer.ok,
    () => false,
  );

function findPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject).listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}
