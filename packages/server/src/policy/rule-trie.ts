import { matchGlob, reachesGlob, type Segment } from "./glob.ts";

interface Entry<R> {
  readonly rule: R;
  readonly glob: readonly Segment[];
  /** Where the glob goes on after the literal segments that lead to its node. */
  readonly from: number;
}

/** What a node lacks it does not carry: a policy of ten thousand folders has tens of thousands of nodes. */
interface Node<R> {
  children: Map<string, Node<R>> | undefined;
  /** Rules that end here. */
  here: R[] | undefined;
  /** Rules that go on with `**` alone. */
  below: R[] | undefined;
  /** Rules that go on with `**` and a literal segment, by that segment. */
  anywhere: Map<string, Entry<R>[]> | undefined;
  rest: Entry<R>[] | undefined;
}

const createNode = <R>(): Node<R> => ({
  children: undefined,
  here: undefined,
  below: undefined,
  anywhere: undefined,
  rest: undefined,
});

/**
 * Rules under the literal segments that their globs begin with, so that a path meets only those rules that lie on its way: the cost of a
 * question does not grow with the number of rules about other places.
 */
export interface RuleTrie<R> {
  add(glob: readonly Segment[], rule: R): void;
  /** Appends the rules whose globs match the path; a rule may come more than once. */
  match(path: readonly string[], found: R[]): void;
  /** Appends the rules whose globs match the path, or may match something below it. */
  reach(path: readonly string[], found: R[]): void;
}

export function createRuleTrie<R>(): RuleTrie<R> {
  const root = createNode<R>();
  return {
    add: (glob, rule) => add(root, glob, rule),
    match: (path, found) => match(root, path, found),
    reach: (path, found) => reach(root, path, found),
  };
}

function add<R>(root: Node<R>, glob: readonly Segment[], rule: R): void {
  let node = root;
  let from = 0;
  for (let segment = glob[0]; segment?.kind === "literal"; segment = glob[++from]) {
    node.children ??= new Map();
    let child = node.children.get(segment.text);
    if (child === undefined) {
      child = createNode<R>();
      node.children.set(segment.text, child);
    }
    node = child;
  }
  const next = glob[from + 1];
  if (from === glob.length) {
    node.here ??= [];
    node.here.push(rule);
  } else if (glob[from]?.kind === "globstar" && next === undefined) {
    node.below ??= [];
    node.below.push(rule);
  } else if (glob[from]?.kind === "globstar" && next?.kind === "literal") {
    node.anywhere ??= new Map();
    const entries = node.anywhere.get(next.text);
    if (entries) entries.push({ rule, glob, from });
    else node.anywhere.set(next.text, [{ rule, glob, from }]);
  } else {
    node.rest ??= [];
    node.rest.push({ rule, glob, from });
  }
}

function match<R>(root: Node<R>, path: readonly string[], found: R[]): void {
  let node: Node<R> | undefined = root;
  for (let depth = 0; node !== undefined; depth++) {
    if (node.below) for (const rule of node.below) found.push(rule);
    if (node.rest)
      for (const { rule, glob, from } of node.rest) if (matchGlob(glob, path, from, depth)) found.push(rule);
    if (node.anywhere) matchAnywhere(node.anywhere, path, depth, found);
    if (depth === path.length) {
      if (node.here) for (const rule of node.here) found.push(rule);
      return;
    }
    node = node.children?.get(path[depth] ?? "");
  }
}

function matchAnywhere<R>(anywhere: Map<string, Entry<R>[]>, path: readonly string[], depth: number, found: R[]): void {
  for (let index = depth; index < path.length; index++) {
    const name = path[index] ?? "";
    const entries = anywhere.get(name);
    if (entries === undefined || path.indexOf(name, depth) < index) continue;
    for (const { rule, glob, from } of entries) if (matchGlob(glob, path, from, depth)) found.push(rule);
  }
}

function reach<R>(root: Node<R>, path: readonly string[], found: R[]): void {
  let node: Node<R> | undefined = root;
  for (let depth = 0; node !== undefined; depth++) {
    if (depth === path.length) {
      collect(node, found);
      return;
    }
    if (node.below) for (const rule of node.below) found.push(rule);
    if (node.anywhere) for (const entries of node.anywhere.values()) for (const { rule } of entries) found.push(rule);
    if (node.rest)
      for (const { rule, glob, from } of node.rest) if (reachesGlob(glob, path, from, depth)) found.push(rule);
    node = node.children?.get(path[depth] ?? "");
  }
}

function collect<R>(node: Node<R>, found: R[]): void {
  if (node.here) for (const rule of node.here) found.push(rule);
  if (node.below) for (const rule of node.below) found.push(rule);
  if (node.anywhere) for (const entries of node.anywhere.values()) for (const { rule } of entries) found.push(rule);
  if (node.rest) for (const { rule } of node.rest) found.push(rule);
  if (node.children) for (const child of node.children.values()) collect(child, found);
}
