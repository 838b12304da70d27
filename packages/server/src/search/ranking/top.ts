/** The first few of many by an order. */
export interface Top<T> {
  /** Whether a thing would be among them. */
  takes(item: T): boolean;
  add(item: T): void;
  /** The last of them, once there are enough. */
  last(): T | undefined;
  /** In order. */
  all(): readonly T[];
}

/** Keeps the first `size` of what is added; `order` as for `sort`. A heap with the last of them on top. */
export function createTop<T>(size: number, order: (a: T, b: T) => number): Top<T> {
  const heap: T[] = [];
  const isAfter = (a: number, b: number): boolean => order(heap[a] as T, heap[b] as T) > 0;
  const swap = (a: number, b: number): void => {
    [heap[a], heap[b]] = [heap[b] as T, heap[a] as T];
  };
  const up = (from: number): void => {
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!isAfter(at, parent)) return;
      swap(at, parent);
      at = parent;
    }
  };
  const down = (): void => {
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      let last = at;
      if (left < heap.length && isAfter(left, last)) last = left;
      if (right < heap.length && isAfter(right, last)) last = right;
      if (last === at) return;
      swap(at, last);
      at = last;
    }
  };
  const takes = (item: T): boolean => heap.length < size || order(item, heap[0] as T) < 0;
  return {
    takes,
    add(item) {
      if (!takes(item)) return;
      if (heap.length < size) {
        heap.push(item);
        up(heap.length - 1);
      } else {
        heap[0] = item;
        down();
      }
    },
    last: () => (heap.length < size ? undefined : heap[0]),
    all: () => [...heap].sort(order),
  };
}
