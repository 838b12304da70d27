import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["portcullis-source"] },
  ssr: { resolve: { conditions: ["portcullis-source"] } },
  test: {
    include: ["packages/*/src/**/*.test.ts", "test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**"],
    reporters: ["default", "./test/support/requirements-reporter.ts"],
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
