import { strToU8, zipSync } from "fflate";
import { expect, test } from "vitest";
import { NotReadable } from "../document.ts";
import { openZip } from "./zip.ts";

const words = "the pump hums ".repeat(20);
const pack = (level: 0 | 6): Buffer =>
  Buffer.from(zipSync({ "a/b.txt": [strToU8(words), { level }], "ü.txt": strToU8("x"), "none.txt": new Uint8Array() }));
const central = (bytes: Buffer): number => bytes.indexOf("PK\x01\x02");

test("packed and stored entries are read by their names", () => {
  for (const level of [0, 6] as const) {
    const zip = openZip(pack(level));
    expect(zip.names).toEqual(["a/b.txt", "ü.txt", "none.txt"]);
    expect(zip.read("a/b.txt")?.toString()).toBe(words);
    expect(zip.read("ü.txt")?.toString()).toBe("x");
    expect(zip.read("none.txt")?.length).toBe(0);
    expect(zip.read("b.txt")).toBeUndefined();
    expect(zip.read("__proto__")).toBeUndefined();
  }
});

test("something may stand before the archive, and a comment behind it", () => {
  const bytes = pack(6);
  bytes.writeUInt16LE(5, bytes.length - 2);
  const around = Buffer.concat([Buffer.from("#!/bin/sh\n"), bytes, Buffer.from("PK\x05\x06!")]);
  expect(openZip(around).read("a/b.txt")?.toString()).toBe(words);
});

test("the sizes and the place of a Zip64 entry are read", () => {
  const bytes = pack(6);
  const at = central(bytes);
  const nameEnd = at + 46 + bytes.readUInt16LE(at + 28);
  const field = Buffer.alloc(28);
  field.writeUInt16LE(1, 0);
  field.writeUInt16LE(24, 2);
  for (const [index, place] of [at + 24, at + 20, at + 42].entries()) {
    field.writeBigUInt64LE(BigInt(bytes.readUInt32LE(place)), 4 + index * 8);
    bytes.writeUInt32LE(0xffffffff, place);
  }
  bytes.writeUInt16LE(field.length, at + 30);
  const longer = Buffer.concat([bytes.subarray(0, nameEnd), field, bytes.subarray(nameEnd)]);
  longer.writeUInt32LE(longer.readUInt32LE(longer.length - 10) + field.length, longer.length - 10);
  expect(openZip(longer).read("a/b.txt")?.toString()).toBe(words);
});

test("what is not as the directory says is refused", () => {
  const changed = (level: 0 | 6, change: (bytes: Buffer) => void): Buffer => {
    const bytes = pack(level);
    change(bytes);
    return bytes;
  };
  const readB = (bytes: Buffer) => () => openZip(bytes).read("a/b.txt");
  const flipped = changed(0, (bytes) => bytes.write("T", bytes.indexOf("the pump")));
  expect(readB(flipped)).toThrow(/damaged/);
  for (const [place, value] of [
    [20, 10],
    [20, 0x7fffffff],
    [24, words.length - 1],
    [24, words.length + 1],
    [42, 3],
    [42, 0xfffffff0],
  ] as const)
    expect(readB(changed(6, (bytes) => bytes.writeUInt32LE(value, central(bytes) + place)))).toThrow(/damaged/);
  expect(readB(changed(6, (bytes) => bytes.writeUInt32LE(0x7fffffff, central(bytes) + 24)))).toThrow(/unpacks to more/);
  expect(readB(changed(6, (bytes) => bytes.writeUInt16LE(1, central(bytes) + 8)))).toThrow(/password/);
  expect(readB(changed(6, (bytes) => bytes.writeUInt16LE(9, central(bytes) + 10)))).toThrow(/not read here/);
  const whole = pack(6);
  for (let length = 0; length < whole.length; length++) expect(readB(whole.subarray(0, length))).toThrow(NotReadable);
});

test("entries that share their bytes are counted each", () => {
  const name = (at: number): string => `${at}`.padStart(3, "0");
  const bytes = Buffer.from(
    zipSync(Object.fromEntries(Array.from({ length: 60 }, (_, at) => [name(at), new Uint8Array(4 * 1024 * 1024)]))),
  );
  const zip = openZip(bytes);
  expect(() => zip.names.map((each) => zip.read(each))).toThrow(/unpacks to more/);
});
