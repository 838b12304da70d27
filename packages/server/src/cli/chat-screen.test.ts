import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { createLines } from "./chat-lines.ts";
import { type PutRequest, toAnswer } from "./chat-owner.ts";
import { createInertStream, createTextScreen, toJsonLine } from "./chat-screen.ts";

test("what a model says in pieces is inert, and whole characters stay whole", () => {
  const stream = createInertStream();
  const pieces = ["a\u001b", "[31mb\r", "\nc\ud83c", "\udf3f\u202e\u009b", "d\r"];
  expect(pieces.map((piece) => stream.take(piece)).join("") + stream.end()).toBe(
    "a\u00b7[31mb\nc\u{1f33f}\u00b7\u00b7d\u00b7",
  );
});

test("a line of JSON holds nothing that steers a terminal, and says the same", () => {
  const said = { text: "a\u001b[2J\u009b\u202e\u2028b" };
  const line = toJsonLine(said);
  expect(line).toMatch(/^[\x20-\x7e]+$/);
  expect(JSON.parse(line)).toEqual(said);
});

test("whatever is told of a call, nothing in it steers the terminal", () => {
  let shown = "";
  const put = (text: string): void => {
    shown += text;
  };
  const screen = createTextScreen({ out: put, err: put }, { columns: 80, bold: false });
  const evil = "x\u001b[2J\u009b\u202e";
  const citation = {
    number: 1,
    id: evil,
    title: evil,
    uri: `file:///${evil}`,
    start: 0,
    end: 1,
    sha256: "0".repeat(64),
  };
  screen.show({ type: "call", call: 1, tool: evil, args: { [evil]: evil }, purpose: evil });
  screen.show({
    type: "verdict",
    call: 1,
    tool: evil,
    ok: true,
    auditId: "A",
    why: [evil],
    untrusted: [evil],
    citations: [citation],
  });
  screen.show({
    type: "verdict",
    call: 1,
    tool: evil,
    ok: false,
    auditId: "A",
    code: "UPSTREAM",
    message: evil,
    why: [],
    untrusted: [],
    citations: [],
  });
  screen.show({ type: "flow", private: [evil], untrusted: [evil] });
  screen.show({ type: "consent", call: 1, request: "R", expiresAt: "soon", page: evil, waits: false });
  screen.show({ type: "decided", call: 1, request: "R", state: evil });
  screen.show({ type: "withheld", call: 1, host: evil, private: [evil], next: evil });
  screen.show({ type: "text", text: evil });
  screen.show({ type: "answer", text: `${evil} [1]`, auditId: "A", cut: true });
  screen.show({ type: "fault", message: evil, next: evil });
  screen.opened({ citation, verdict: "refused", text: evil, message: evil }, 1);
  screen.sources([citation]);
  for (const steering of ["\u001b", "\u009b", "\u202e"]) expect(shown).not.toContain(steering);
});

test("an answer is a number or a word of an offer; anything else is no", () => {
  const once = { answer: "allow", for: "once" };
  const folder = { answer: "allow", for: 3_600_000, folder: true };
  const put = {
    text: "",
    offers: [
      { name: "once", choice: once },
      { name: "folder-hour", choice: folder },
    ],
  } as unknown as PutRequest;
  expect(["1", " once ", "2", "folder"].map((line) => toAnswer(line, put))).toEqual([once, once, folder, folder]);
  for (const line of ["", "0", "3", "yes", "1 2", "1e0", "-1", "__proto__", "day"])
    expect(toAnswer(line, put), line).toEqual({ answer: "deny" });
});

test("lines come one by one, and the end of the input ends the wait", async () => {
  const input = new PassThrough();
  const lines = createLines(input, new PassThrough());
  input.write("one\ntwo\n");
  expect(await lines.next("> ")).toBe("one");
  expect(await lines.next("> ")).toBe("two");
  const stop = new AbortController();
  const stopped = lines.next("> ", { signal: stop.signal });
  stop.abort();
  expect(await stopped).toBeUndefined();
  const last = lines.next("> ");
  input.end();
  expect(await last).toBeUndefined();
  expect(await lines.next("> ")).toBeUndefined();
});

test("on a terminal, what was typed before a question does not answer it", async () => {
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} });
  const lines = createLines(input, new PassThrough());
  input.write("always\n");
  await new Promise((resolve) => setImmediate(resolve));
  const answer = lines.next("Answer: ", { fresh: true });
  input.write("no\n");
  expect(await answer).toBe("no");
  lines.close();
});
