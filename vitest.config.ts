import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["portcullis-source"] },
  ssr: { resolve: { conditions: ["portcullis-source"] } },
  test: {
    include: ["packages/*/src/**/*.test.ts", "test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**"],
    reporters: ["default", "./test/support/requirements-reporter.ts"],
    // Most tests wait for programs that they have begun: on two processors one worker, which is the default there, would leave one idle.
    maxWorkers: "100%",
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
