import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openCheckpoint, signCheckpoint } from "./checkpoint.ts";
import {
  allDigests,
  createDigest,
  openAuditKeys,
  readAuditKeys,
  replaceAuditKeys,
  rotateKeys,
  signerOf,
  verifierOf,
} from "./keys.ts";
import { formatVerifierKey, openNote, parseVerifierKey } from "./signed-note.ts";

const folder = mkdtempSync(join(tmpdir(), "portcullis-keys-"));
afterAll(() => rmSync(folder, { recursive: true }));

const keys = openAuditKeys(folder);
const root = "ab".repeat(32);
const note = signCheckpoint({ origin: keys.origin, size: 12, root }, [signerOf(keys)]);

test("the example of the signed-note specification is opened with its verifier key", () => {
  const key = parseVerifierKey("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
  const example = [
    "If you think cryptography is the answer to your problem,",
    "then you don't know what your problem is.",
    "",
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=",
    "",
  ].join("\n");
  expect(key && openNote(example, [key])?.signedBy).toEqual([key]);
  expect(key && openNote(example.replace("answer", "question"), [key])).toBeUndefined();
});

test("a checkpoint is read back with who signed it, and any change of a byte is noticed", () => {
  expect(openCheckpoint(note, [verifierOf(keys)])).toEqual({
    origin: keys.origin,
    size: 12,
    root,
    signedBy: [verifierOf(keys)],
  });
  const bytes = Buffer.from(note);
  const kept: number[] = [];
  for (let at = 0; at < bytes.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
      const opened = openCheckpoint(flipped.toString("utf8"), [verifierOf(keys)]);
      if (opened && opened.signedBy.length > 0) kept.push(at);
    }
  }
  expect(kept).toEqual([]);
});

test("a stranger's checkpoint proves nothing", () => {
  const other = rotateKeys(keys);
  expect(openCheckpoint(note, [verifierOf(other)])).toMatchObject({ signedBy: [] });
  expect(openCheckpoint("no checkpoint at all", [verifierOf(keys)])).toBeUndefined();
});

test("a verifier key is read back, and one whose id is another's is not", () => {
  const text = formatVerifierKey(verifierOf(keys));
  expect(parseVerifierKey(text)).toEqual(verifierOf(keys));
  expect(parseVerifierKey(text.replace("portcullis", "portcullia"))).toBeUndefined();
  expect(parseVerifierKey("nothing")).toBeUndefined();
});

test("the keys are the folder owner's alone, and stay the same", () => {
  expect((statSync(join(folder, "audit.keys")).mode & 0o777).toString(8)).toBe("600");
  expect(openAuditKeys(folder)).toEqual(keys);
});

test("a rotation keeps the old public key and no old private one, and finds values by every key", () => {
  const before = createDigest(keys)("duck");
  const rotated = rotateKeys(keys);
  replaceAuditKeys(folder, rotated);
  expect(readAuditKeys(folder)).toEqual(rotated);
  expect(readFileSync(join(folder, "audit.keys"), "utf8")).not.toContain(keys.signing);
  expect(rotated.retired).toEqual([formatVerifierKey(verifierOf(keys))]);
  expect(createDigest(rotated)("duck")).not.toBe(before);
  expect(allDigests(rotated, "duck")).toEqual([before, createDigest(rotated)("duck")]);
});

test("damaged keys are an error that shows none of them", () => {
  writeFileSync(join(folder, "audit.keys"), `{"signing":"${keys.signing}"`);
  expect(() => openAuditKeys(folder)).toThrow("is damaged");
  expect(() => openAuditKeys(folder)).not.toThrow(keys.signing);
});
