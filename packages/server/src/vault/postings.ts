/** Which things stand under a key: one, a few or many, each kept as small as that allows. Adding and removing cost the same however many. */
export interface Postings<T> {
  add(key: string, item: T): void;
  remove(key: string, item: T): void;
  of(key: string): Iterable<T>;
  keys(): Iterable<string>;
}

const few = 64;

export function createPostings<T extends object>(): Postings<T> {
  const byKey = new Map<string, T | T[] | Set<T>>();
  return {
    add(key, item) {
      const known = byKey.get(key);
      if (known === undefined) byKey.set(key, item);
      else if (known instanceof Set) known.add(item);
      else if (!Array.isArray(known)) byKey.set(key, known === item ? item : [known, item]);
      else if (known.includes(item)) return;
      // A pushed array keeps room for more.
      else if (known.length < few) byKey.set(key, [...known, item]);
      else byKey.set(key, new Set(known).add(item));
    },
    remove(key, item) {
      const known = byKey.get(key);
      if (known === item) byKey.delete(key);
      else if (known instanceof Set) {
        known.delete(item);
        if (known.size === 0) byKey.delete(key);
      } else if (Array.isArray(known)) {
        const rest = known.filter((each) => each !== item);
        if (rest.length === 0) byKey.delete(key);
        else byKey.set(key, rest);
      }
    },
    of(key) {
      const known = byKey.get(key);
      if (known === undefined) return [];
      return known instanceof Set || Array.isArray(known) ? known : [known];
    },
    keys: () => byKey.keys(),
  };
}
