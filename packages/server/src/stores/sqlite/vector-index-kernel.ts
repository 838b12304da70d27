/** Compares `count` vectors of `dimensions` (a multiple of 16) signed bytes, -127 to 127, with a query; writes one int32 dot product each. */
export type DotProducts = (query: number, codes: number, count: number, dimensions: number, out: number) => void;

/** Memory that both JavaScript and the kernel see, in pages of 64 KiB. Growing it makes views of its old buffer empty. */
export interface SharedBytes {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/** The part of Node's global that is used here; the language's own types for it come only with those of browsers. */
declare const WebAssembly: {
  readonly Memory: new (size: { readonly initial: number }) => SharedBytes;
  readonly Module: new (binary: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ) => { readonly exports: Readonly<Record<string, unknown>> };
};

export const createMemory = (bytes: number): SharedBytes =>
  new WebAssembly.Memory({ initial: Math.ceil(bytes / pageBytes) });

export const pageBytes = 65_536;

/** The dot products over a memory, at some 15 billion multiplications a second where plain JavaScript does one. Arguments are byte offsets. */
export function createDotProducts(memory: SharedBytes): DotProducts {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(binary), { m: { m: memory } });
  return exports.dots as DotProducts;
}

const i32 = 0x7f;
const v128 = 0x7b;
// Parameters and locals by their places.
const [query, codes, count, dimensions, out, at, sums, left, right] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
const [end, loop, block, repeatIf, leaveIf] = [0x0b, [0x03, 0x40], [0x02, 0x40], [0x0d, 0], [0x0d, 1]];
const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const tee = (local: number): number[] => [0x22, local];
const constant = (value: number): number[] => [0x41, ...unsigned(value)];
const [add, subtract, isZero, isLess] = [0x6a, 0x6b, 0x45, 0x49];
const simd = (operation: number, ...rest: readonly number[]): number[] => [0xfd, ...unsigned(operation), ...rest];
const load = simd(0x00, 0, 0);
const lane = (n: number): number[] => [...get(sums), ...simd(0x1b, n)];
const store = [0x36, 2, 0];

/**
 * For each vector, over 16 bytes at a time: `sums += pairs(low products + high products)`. Two products of at most 127 * 127 fit 16 bits, which is why a
 * code is never -128. (Binary format: https://webassembly.github.io/spec/core/binary/.)
 */
const body = [
  ...[...block, ...loop],
  ...[...get(count), isZero, ...leaveIf],
  ...[...simd(0x0c, ...new Array(16).fill(0)), ...set(sums), ...constant(0), ...set(at)],
  ...loop,
  ...get(sums),
  ...[...get(query), ...get(at), add, ...load, ...tee(left)],
  ...[...get(codes), ...get(at), add, ...load, ...tee(right)],
  ...simd(0x9c), // i16x8.extmul_low_i8x16_s
  ...[...get(left), ...get(right), ...simd(0x9d)], // i16x8.extmul_high_i8x16_s
  ...simd(0x8e), // i16x8.add
  ...simd(0x7e), // i32x4.extadd_pairwise_i16x8_s
  ...[...simd(0xae), ...set(sums)], // i32x4.add
  ...[...get(at), ...constant(16), add, ...tee(at), ...get(dimensions), isLess, ...repeatIf],
  end,
  ...[...get(out), ...lane(0), ...lane(1), add, ...lane(2), add, ...lane(3), add, ...store],
  ...[...get(out), ...constant(4), add, ...set(out)],
  ...[...get(codes), ...get(dimensions), add, ...set(codes)],
  ...[...get(count), ...constant(1), subtract, ...set(count), 0x0c, 0],
  ...[end, end, end],
];

const binary = new Uint8Array([
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...section(1, [1, 0x60, 5, i32, i32, i32, i32, i32, 0]),
  ...section(2, [1, ...text("m"), ...text("m"), 2, 0, 1]),
  ...section(3, [1, 0]),
  ...section(7, [1, ...text("dots"), 0, 0]),
  ...section(10, [1, ...sized([2, 1, i32, 3, v128, ...body])]),
]);

function section(id: number, content: readonly number[]): number[] {
  return [id, ...sized(content)];
}

function sized(content: readonly number[]): number[] {
  return [...unsigned(content.length), ...content];
}

function text(value: string): number[] {
  return sized([...Buffer.from(value)]);
}

/** LEB128. Its values here are small enough to be the same when they are read as signed. */
function unsigned(value: number): number[] {
  const low = value & 0x7f;
  return value < 0x80 ? [low] : [low | 0x80, ...unsigned(value >>> 7)];
}
