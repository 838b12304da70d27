/** A value of a file's list, or why one is not to be had. `at` is its first byte in the file. */
export type JsonElement =
  /** The bytes are good until the next element is asked for. */
  | { readonly kind: "element"; readonly at: number; readonly bytes: Buffer }
  | { readonly kind: "skipped"; readonly at: number; readonly reason: string };

/** Lists inside of a file's one object whose elements are given instead of the object. */
const wrapped = new Set(["conversations", "chats", "projects"]);

const quote = 0x22;
const backslash = 0x5c;

/**
 * Cuts a JSON file at the elements of its outermost list, or at its values when it has several of them (JSON lines), without parsing any.
 * `push` gives what a piece of the file completes, `end` what the file's end cuts off. No more than `most` bytes of it are held.
 */
export function createElementCutter(most: number) {
  let offset = 0;
  let depth = 0;
  let base = 0;
  let inString = false;
  let escaped = false;
  let start = -1;
  let scalar = false;
  let ignoring = false;
  let oversize = false;
  let keyStart = -1;
  let keyHead = "";
  let key = "";
  let held = Buffer.alloc(0);
  let heldLength = 0;

  const hold = (piece: Buffer): void => {
    if (oversize || heldLength + piece.length > most) {
      oversize = true;
      heldLength = 0;
      return;
    }
    if (heldLength + piece.length > held.length) {
      const grown = Buffer.allocUnsafe(Math.min(most, Math.max(2 * held.length, heldLength + piece.length, 1 << 18)));
      held.copy(grown, 0, 0, heldLength);
      held = grown;
    }
    piece.copy(held, heldLength);
    heldLength += piece.length;
  };

  /** The element that ends before `end` of the piece. */
  const finish = (piece: Buffer, end: number): JsonElement => {
    const at = start;
    const from = Math.max(0, start - offset);
    let bytes: Buffer;
    if (heldLength === 0 && !oversize) {
      oversize = end - from > most;
      bytes = piece.subarray(from, end);
    } else {
      hold(piece.subarray(from, end));
      bytes = held.subarray(0, heldLength);
    }
    const tooLong = oversize;
    const plain = scalar;
    start = -1;
    scalar = false;
    oversize = false;
    heldLength = 0;
    if (tooLong) return { kind: "skipped", at, reason: `an entry of more than ${most} bytes` };
    if (plain) return { kind: "skipped", at, reason: "an entry that is no conversation" };
    return { kind: "element", at, bytes };
  };

  function* push(piece: Buffer): Generator<JsonElement> {
    const { length } = piece;
    for (let i = 0; i < length; i++) {
      if (inString) {
        if (escaped) {
          escaped = false;
          i++;
        }
        let byte = piece[i];
        while (i < length && byte !== quote) {
          if (byte === backslash) i++;
          byte = piece[++i];
        }
        if (i >= length) {
          // A backslash as the last byte leads beyond the piece by one more.
          escaped = i > length;
          break;
        }
        inString = false;
        if (keyStart >= 0) {
          key = keyHead + piece.toString("latin1", keyStart, Math.min(i, keyStart + 64));
          keyStart = -1;
          keyHead = "";
        } else if (scalar && depth === base) yield finish(piece, i + 1);
        continue;
      }
      const byte = piece[i];
      switch (byte) {
        case quote:
          inString = true;
          if (depth === 1 && base === 0) keyStart = i + 1;
          else if (start < 0 && !ignoring) {
            start = offset + i;
            scalar = true;
          }
          break;
        case 0x7b:
        case 0x5b:
          if (scalar) yield finish(piece, i);
          if (depth === 0 && byte === 0x5b) base = 1;
          else if (depth === 1 && base === 0 && byte === 0x5b && wrapped.has(key)) {
            base = 2;
            start = -1;
            heldLength = 0;
            oversize = false;
            ignoring = false;
          } else if (start < 0 && !ignoring) start = offset + i;
          if (byte === 0x7b) key = "";
          depth++;
          break;
        case 0x7d:
        case 0x5d:
          if (scalar) yield finish(piece, i);
          if (depth === 0) break;
          depth--;
          if (start >= 0 && depth === base) yield finish(piece, i + 1);
          else if (depth < base) {
            ignoring = base === 2;
            base = 0;
          } else if (depth === 0) ignoring = false;
          break;
        case 0x20:
        case 0x0a:
        case 0x0d:
        case 0x09:
        case 0x2c:
          if (scalar) yield finish(piece, i);
          break;
        default:
          if (start >= 0 || ignoring || (offset + i < 3 && byte !== undefined && byte >= 0xbb)) break;
          start = offset + i;
          scalar = true;
      }
    }
    if (keyStart >= 0) {
      keyHead = (keyHead + piece.toString("latin1", keyStart, Math.min(length, keyStart + 64))).slice(0, 64);
      keyStart = 0;
    }
    if (start >= 0) hold(piece.subarray(Math.max(0, start - offset)));
    offset += length;
  }

  function* end(): Generator<JsonElement> {
    if (start >= 0 && !scalar)
      yield { kind: "skipped", at: start, reason: "the file ends inside of this conversation" };
    else if (start >= 0) yield finish(Buffer.alloc(0), 0);
    if (depth > 0 && (start < 0 || scalar)) {
      yield { kind: "skipped", at: offset, reason: "the file ends before its list of conversations does" };
    }
  }

  return { push, end };
}
