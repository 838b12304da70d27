// Serves the library to one client over stdio.
import { serveStdio } from "../../../packages/server/src/transports/mcp/stdio.ts";
import { openLibrary } from "./library.ts";

await serveStdio(openLibrary(), { subject: "duck", profile: "full", input: process.stdin, output: process.stdout });
