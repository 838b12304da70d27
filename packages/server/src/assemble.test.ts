import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { assemble } from "./assemble.ts";
import { readSettings } from "./config/read-settings.ts";
import { methodNames, requestFault } from "./transports/websocket/params.ts";

test("the schema of every tool, topic and method compiles, though only when it is first asked", async () => {
  const base = mkdtempSync(join(tmpdir(), "portcullis-assemble-"));
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  const [data, notes] = [join(base, "data"), join(base, "notes")];
  mkdirSync(notes);
  const { parts, stop } = await assemble({
    data,
    settings: readSettings(data, {}, {}),
    folders: [{ name: "notes", path: notes }],
    home: base,
    url: () => "http://127.0.0.1",
    log: { info: () => {}, error: () => {} },
  });
  onTestFinished(() => stop(0));
  const { registry } = parts;
  expect(registry.all().length).toBeGreaterThan(10);
  for (const { tool, accepts, answers } of registry.all()) {
    expect(accepts(7), `what ${tool.name} takes`).toBe(false);
    expect(answers(7), `what ${tool.name} answers`).toBe(false);
  }
  for (const { topic, accepts } of registry.topics()) expect(accepts(7), topic.name).toBe(false);
  for (const method of methodNames) {
    const fault = requestFault({ jsonrpc: "2.0", id: 1, method, params: [] }, true);
    expect(fault?.code, method).toBe("INVALID_PARAMS");
  }
});
