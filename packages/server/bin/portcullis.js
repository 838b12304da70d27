#!/usr/bin/env node
const [major] = process.versions.node.split(".");
if (Number(major) < 24) {
  process.stderr.write(
    `portcullis: Node ${process.versions.node} is too old; 24 or newer is needed.\n  \u2192 In a clone, \`npx portcullis\` finds the right one.\n`,
  );
  process.exit(78);
}
await import("../dist/main.js");
