export interface TreeNode {
  readonly id: string;
  readonly parent?: string | undefined;
  readonly time?: number | undefined;
  /** Its place among its siblings, when that is not the order in which they are given. */
  readonly rank?: number | undefined;
}

export interface Placed<N> {
  readonly node: N;
  /** False of a message that the conversation's own page no longer shows: one that was edited or answered anew. */
  readonly shown: boolean;
}

type Pace = () => Promise<void> | undefined;

interface Tree<N> {
  readonly byId: ReadonlyMap<string, N>;
  readonly children: ReadonlyMap<string, readonly N[]>;
  readonly pace: Pace;
}

/**
 * The messages of a conversation in reading order, each once: the shown branch (it ends in `current`, else in the last message) from its
 * first message to its end, then the others. What hangs in no tree (its parent is missing, or parents run in a circle) stands by its time.
 */
export async function orderTree<N extends TreeNode>(
  nodes: readonly N[],
  current: string | undefined,
  pace: Pace,
): Promise<readonly Placed<N>[]> {
  const byId = new Map<string, N>();
  for (const node of nodes) if (!byId.has(node.id)) byId.set(node.id, node);
  await pace();
  const children = new Map<string, N[]>();
  const roots: N[] = [];
  for (const node of byId.values()) {
    if (node.parent === undefined || node.parent === node.id || !byId.has(node.parent)) roots.push(node);
    else {
      const siblings = children.get(node.parent);
      if (siblings) siblings.push(node);
      else children.set(node.parent, [node]);
    }
    const pause = pace();
    if (pause !== undefined) await pause;
  }
  for (const siblings of children.values()) {
    if (siblings.some(({ rank }) => rank !== undefined)) siblings.sort((a, b) => (a.rank ?? 0) - (b.rank ?? 0));
  }
  const tree: Tree<N> = { byId, children, pace };
  const seen = new Set<N>();
  const components: { members: readonly N[]; at: number }[] = [];
  // After the roots comes what hangs in a circle: it is opened at the member that stands first.
  for (const start of [roots, byId.values()]) {
    for (const root of start) {
      if (seen.has(root)) continue;
      const members = await descend(root, tree, seen);
      const time = members.find((member) => member.time !== undefined)?.time;
      components.push({ members, at: time ?? components.at(-1)?.at ?? 0 });
    }
  }
  components.sort((a, b) => a.at - b.at);
  const placed: Placed<N>[] = [];
  for (const { members } of components) await place(members, tree, current, placed);
  return placed;
}

/** What hangs below a node, parents before their children, the first child's descendants before the second child. */
async function descend<N extends TreeNode>(root: N, { children, pace }: Tree<N>, seen: Set<N>): Promise<readonly N[]> {
  const found: N[] = [];
  const stack = [root];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    found.push(node);
    for (const child of (children.get(node.id) ?? []).toReversed()) stack.push(child);
    const pause = pace();
    if (pause !== undefined) await pause;
  }
  return found;
}

async function place<N extends TreeNode>(
  members: readonly N[],
  { byId, children, pace }: Tree<N>,
  current: string | undefined,
  placed: Placed<N>[],
): Promise<void> {
  const own = new Set(members);
  const named = current === undefined ? undefined : byId.get(current);
  let node = named !== undefined && own.has(named) ? named : newestLeaf(members, children);
  const path = new Set<N>();
  while (node !== undefined && own.has(node) && !path.has(node)) {
    path.add(node);
    node = node.parent === undefined ? undefined : byId.get(node.parent);
  }
  for (const shown of [...path].reverse()) placed.push({ node: shown, shown: true });
  for (const member of members) {
    if (!path.has(member)) placed.push({ node: member, shown: false });
    const pause = pace();
    if (pause !== undefined) await pause;
  }
}

function newestLeaf<N extends TreeNode>(
  members: readonly N[],
  children: ReadonlyMap<string, readonly N[]>,
): N | undefined {
  let newest: N | undefined;
  for (const node of members) {
    if (children.has(node.id)) continue;
    if (newest === undefined || (node.time ?? 0) >= (newest.time ?? 0)) newest = node;
  }
  return newest ?? members.at(-1);
}
