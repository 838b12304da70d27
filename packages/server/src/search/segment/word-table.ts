/** Remembers a number for each of many words of ASCII, given as bytes. */
export interface WordTable {
  /** The number of the word `[start, end)` of some bytes, whose hash is `hash`; -1 when it is not known. */
  find(bytes: Uint8Array, place: { start: number; end: number; hash: number }): number;
  add(bytes: Uint8Array, place: { start: number; end: number; hash: number }, value: number): void;
  readonly size: number;
}

/** What `hash` is before the first byte; each byte then makes it `Math.imul(hash, hashStep) + byte`. */
export const hashStart = 5_381;
export const hashStep = 31;

export function createWordTable(): WordTable {
  let slots = new Int32Array(16_384);
  let hashes = new Int32Array(4_096);
  let starts = new Int32Array(4_097);
  let values = new Int32Array(4_096);
  let letters = new Uint8Array(65_536);
  let size = 0;

  const slotOf = (hash: number): number => (Math.imul(hash, 0x9e3779b1) >>> 8) & (slots.length - 1);

  const insert = (entry: number): void => {
    let slot = slotOf(hashes[entry] as number);
    while (slots[slot] !== 0) slot = (slot + 1) & (slots.length - 1);
    slots[slot] = entry + 1;
  };

  const grow = (): void => {
    const wider = <T extends Int32Array | Uint8Array>(array: T, length: number): T => {
      const grown = new (array.constructor as new (length: number) => T)(length);
      grown.set(array);
      return grown;
    };
    hashes = wider(hashes, hashes.length * 2);
    starts = wider(starts, hashes.length + 1);
    values = wider(values, hashes.length);
    slots = new Int32Array(hashes.length * 4);
    for (let entry = 0; entry < size; entry++) insert(entry);
  };

  return {
    get size() {
      return size;
    },
    find(bytes, { start, end, hash }) {
      const mask = slots.length - 1;
      for (let slot = slotOf(hash); slots[slot] !== 0; slot = (slot + 1) & mask) {
        const entry = (slots[slot] as number) - 1;
        if (hashes[entry] !== hash) continue;
        let own = starts[entry] as number;
        if ((starts[entry + 1] as number) - own !== end - start) continue;
        let at = start;
        while (at < end && letters[own] === bytes[at]) {
          at++;
          own++;
        }
        if (at === end) return values[entry] as number;
      }
      return -1;
    },
    add(bytes, { start, end, hash }, value) {
      if (size === hashes.length) grow();
      const own = starts[size] as number;
      const after = own + end - start;
      if (after > letters.length) {
        const grown = new Uint8Array(Math.max(after, letters.length * 2));
        grown.set(letters);
        letters = grown;
      }
      letters.set(bytes.subarray(start, end), own);
      starts[size + 1] = after;
      hashes[size] = hash;
      values[size] = value;
      insert(size++);
    },
  };
}
