/** Bytes that grow: unsigned integers below 2^31 as LEB128, seven bits a byte, the last without the high bit. */
export class ByteWriter {
  bytes: Uint8Array;
  size = 0;

  constructor(capacity = 65_536) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Makes room for so many bytes more. */
  reserve(count: number): void {
    if (this.size + count <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.size + count));
    grown.set(this.bytes.subarray(0, this.size));
    this.bytes = grown;
  }

  number(value: number): void {
    this.reserve(5);
    let rest = value;
    while (rest > 127) {
      this.bytes[this.size++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.bytes[this.size++] = rest;
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.size);
    this.size += bytes.length;
  }

  /** A copy of what has been written, which then begins anew. */
  take(): Uint8Array {
    const taken = this.bytes.slice(0, this.size);
    this.size = 0;
    return taken;
  }
}

/** Reads what `ByteWriter` wrote. */
export class ByteReader {
  readonly bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  number(): number {
    const { bytes } = this;
    let byte = bytes[this.at++] as number;
    if (byte < 128) return byte;
    let value = byte & 127;
    let shift = 7;
    do {
      byte = bytes[this.at++] as number;
      value |= (byte & 127) << shift;
      shift += 7;
    } while (byte > 127);
    return value;
  }
}
