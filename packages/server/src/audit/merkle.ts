import { hash } from "node:crypto";

/** The right edge of a Merkle tree (RFC 6962, 2.1): the roots of its perfect subtrees, the largest first. All that is needed to go on. */
export interface Frontier {
  readonly size: number;
  readonly roots: readonly Buffer[];
}

/** A Merkle tree that grows and keeps nothing but its right edge. A record's hash in the chain is its leaf hash, so no record is hashed twice. */
export interface MerkleTree {
  readonly size: number;
  append(leafHash: Buffer): void;
  root(): Buffer;
  frontier(): Frontier;
}

export const hashBytes = 32;
const scratch = Buffer.alloc(1 + 2 * hashBytes, 1);

/** SHA-256 over a one byte and both children. */
function nodeHash(left: Buffer, right: Buffer): Buffer {
  left.copy(scratch, 1);
  right.copy(scratch, 1 + hashBytes);
  return hash("sha256", scratch, "buffer");
}

export function createTree(from: Frontier = { size: 0, roots: [] }): MerkleTree {
  let { size } = from;
  const roots = [...from.roots];
  if (roots.length !== countOnes(size)) throw new RangeError(`A tree of ${size} leaves has another edge.`);
  return {
    get size() {
      return size;
    },
    append(leafHash) {
      let node = leafHash;
      // Each one at the end of the old size in binary is a subtree that the new leaf completes.
      for (let rest = size; rest % 2 === 1; rest = Math.floor(rest / 2)) node = nodeHash(roots.pop() ?? node, node);
      roots.push(node);
      size += 1;
    },
    root() {
      const folded = roots.toReversed();
      let root = folded[0];
      if (root === undefined) return hash("sha256", "", "buffer");
      for (const left of folded.slice(1)) root = nodeHash(left, root);
      return root;
    },
    frontier: () => ({ size, roots: [...roots] }),
  };
}

export const packFrontier = ({ roots }: Frontier): Buffer => Buffer.concat(roots);

/** The frontier of a tree of `size` leaves; undefined when the bytes are none of that size. */
export function unpackFrontier(size: number, bytes: Uint8Array): Frontier | undefined {
  if (bytes.length !== countOnes(size) * hashBytes) return undefined;
  const roots: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += hashBytes) roots.push(Buffer.from(bytes.subarray(at, at + hashBytes)));
  return { size, roots };
}

function countOnes(size: number): number {
  let ones = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2;
  return ones;
}
