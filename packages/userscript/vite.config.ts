import { defineConfig } from "vite";
import monkey from "vite-plugin-monkey";
import about from "./package.json" with { type: "json" };

export default defineConfig({
  root: import.meta.dirname,
  logLevel: "warn",
  build: { minify: false, target: "es2023", outDir: "dist", emptyOutDir: true, reportCompressedSize: false },
  plugins: [
    monkey({
      entry: "src/main.ts",
      userscript: {
        name: "Portcullis for chatgpt.com",
        namespace: "portcullis",
        version: about.version,
        description:
          "Keeps your own chats in your own index, and puts passages of it into your draft. It never sends a message.",
        license: "MIT",
        match: ["https://chatgpt.com/*"],
        noframes: true,
        "run-at": "document-idle",
        sandbox: "DOM",
        grant: ["GM_xmlhttpRequest", "GM_getValue", "GM_setValue", "GM_setClipboard"],
        connect: ["127.0.0.1", "localhost"],
      },
      build: { fileName: "portcullis.user.js", metaFileName: false, autoGrant: false },
    }),
  ],
});
