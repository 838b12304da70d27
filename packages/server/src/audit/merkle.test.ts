import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { createTree, packFrontier, unpackFrontier } from "./merkle.ts";

const sha = (...parts: readonly (Buffer | string)[]): Buffer => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const leaf = (data: Buffer | string): Buffer => sha(Buffer.of(0), data);

/** RFC 6962, 2.1, word for word. */
function definition(leaves: readonly Buffer[]): Buffer {
  const [only] = leaves;
  if (only === undefined) return sha("");
  if (leaves.length === 1) return only;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return sha(Buffer.of(1), definition(leaves.slice(0, k)), definition(leaves.slice(k)));
}

test("the root is RFC 6962's for every size up to 300, also when the tree goes on from its kept edge", () => {
  const leaves = Array.from({ length: 300 }, (_, n) => leaf(`leaf ${n}`));
  let tree = createTree();
  for (let size = 0; size <= leaves.length; size++) {
    expect(tree.root().toString("hex"), `${size}`).toBe(definition(leaves.slice(0, size)).toString("hex"));
    const kept = unpackFrontier(size, packFrontier(tree.frontier()));
    if (!kept) throw new Error(`The edge of ${size} leaves cannot be read back.`);
    tree = createTree(kept);
    const next = leaves[size];
    if (next) tree.append(next);
  }
});

test("the roots of the eight leaves that implementations of RFC 6962 are tested with", () => {
  const leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
  const roots = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
  ];
  const tree = createTree();
  expect(tree.root().toString("hex")).toBe(roots[0]);
  for (const [index, data] of leaves.entries()) {
    tree.append(leaf(Buffer.from(data, "hex")));
    expect(tree.root().toString("hex")).toBe(roots[index + 1]);
  }
});

test("an edge of another size is refused", () => {
  expect(unpackFrontier(3, Buffer.alloc(32))).toBeUndefined();
  expect(() => createTree({ size: 4, roots: [] })).toThrow("another edge");
});
