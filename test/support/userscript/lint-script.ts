import { analyze, type Reference } from "eslint-scope";
import { parseAst } from "vite";
import { attributes, computed, globals, keys, members, tags } from "./script-words.ts";

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  range?: readonly [number, number];
  readonly [key: string]: unknown;
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && typeof (value as Node).type === "string";
const nameOf = (node: Node | undefined): string => String(node?.name ?? node?.value ?? "");

/** What stands in the script at one place only, as it is there. */
const once = {
  dispatchEvent: /^composer\.dispatchEvent\(new ClipboardEvent\("paste", \{/,
  assign: /^window\.location\.assign\(`https:\/\/chatgpt\.com\$\{path\}`\)/,
  attachShadow: /^host\.attachShadow\(\{ mode: "closed" \}\)/,
  createElement: /^document\.createElement\(name\)/,
  GM_xmlhttpRequest: /^GM_xmlhttpRequest\(\{\s*method: "POST",/,
} as const;
const isOnce = (name: string): name is keyof typeof once => Object.hasOwn(once, name);

/**
 * What the built script could do that it must not, by its syntax alone; nothing when all is well. It may use the names of `script-words.ts` and no other: a way to
 * send, to press, to navigate or to reach further has a name that is not there, or needs one that is made at run time, which is refused too.
 */
export function lintScript(script: string): readonly string[] {
  const found: string[] = [];
  const seen = new Map<string, number>();
  const tell = (node: Node, what: string): void =>
    void found.push(`${what}: ${script.slice(node.start, node.start + 60).split("\n")[0]}`);

  const visit = (node: Node, parents: readonly Node[]): void => {
    node.range = [node.start, node.end];
    rules[node.type]?.(node, parents);
    for (const value of Object.values(node))
      for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) visit(child, [node, ...parents]);
  };
  const useMember = (name: string, node: Node, parents: readonly Node[]): void => {
    if (isOnce(name)) useOnce(name, node, parents);
    else if (name === "location") {
      const next = parents[0];
      const read =
        next?.type === "MemberExpression" && ["pathname", "origin", "assign"].includes(nameOf(next.property as Node));
      if (!read || script.slice(node.start, node.end) !== "window.location") tell(node, "location");
    } else if (!members.has(name)) tell(node, `member ${name}`);
  };
  const useOnce = (name: keyof typeof once, node: Node, [parent]: readonly Node[]): void => {
    seen.set(name, (seen.get(name) ?? 0) + 1);
    const called = parent?.type === "CallExpression" && parent.callee === node;
    if (!called || !once[name].test(script.slice(parent.start, parent.start + 200))) tell(node, `another ${name}`);
  };
  const rules: Readonly<Record<string, (node: Node, parents: readonly Node[]) => void>> = {
    MemberExpression(node, parents) {
      const property = node.property as Node;
      if (node.computed !== true) useMember(nameOf(property), node, parents);
      else if (!computed.has(script.slice(node.start, node.end)) || isCalled(node, parents))
        tell(node, "computed member");
    },
    Property(node, [parent]) {
      const name = nameOf(node.key as Node);
      if (node.computed === true) tell(node, "computed key");
      else if (parent?.type === "ObjectPattern") {
        if (isOnce(name) || !members.has(name)) tell(node, `taken out ${name}`);
      } else if (!keys.has(name)) tell(node, `key ${name}`);
    },
    CallExpression(node) {
      const callee = node.callee as Node;
      const name = nameOf(callee.type === "MemberExpression" ? (callee.property as Node) : callee);
      const [first] = node.arguments as readonly Node[];
      if (/^make$/.test(name) && !tags.has(nameOf(first))) tell(node, "element");
      if (/^(set|toggle|remove)Attribute$/.test(name) && !attributes.has(nameOf(first))) tell(node, "attribute");
      if (/^set(Timeout|Interval)$/.test(name) && !/^(Identifier|ArrowFunctionExpression)$/.test(first?.type ?? ""))
        tell(node, "timer");
    },
    AssignmentExpression(node) {
      const left = node.left as Node;
      if (
        left.type === "MemberExpression" &&
        !/\.textContent$|^this\.(code|retryAfterMs)$/.test(script.slice(left.start, left.end))
      )
        tell(node, "assignment");
    },
    TaggedTemplateExpression: (node) => tell(node, "tagged template"),
    ImportExpression: (node) => tell(node, "import"),
    MetaProperty: (node) => tell(node, "meta"),
    WithStatement: (node) => tell(node, "with"),
  };

  const program = parseAst(script) as unknown as Node;
  visit(program, []);
  const { scopes } = analyze(program as unknown as Parameters<typeof analyze>[0], {
    ecmaVersion: 2022,
    sourceType: "module",
  });
  const free = scopes.find(({ type }) => type === "global")?.through ?? [];
  for (const { identifier } of free as readonly Reference[]) {
    const node = identifier as unknown as Node;
    const at = pathTo(program, node);
    if (isOnce(nameOf(node))) useOnce(nameOf(node) as keyof typeof once, node, at);
    else if (!globals.has(nameOf(node))) tell(node, `name ${nameOf(node)}`);
    // Under another name it could not be followed.
    else if (nameOf(node) === "window" && at[0]?.type !== "MemberExpression") tell(node, "another name for the window");
  }
  for (const name of Object.keys(once))
    if (seen.get(name) !== 1) found.push(`${name} stands ${seen.get(name) ?? 0} times`);
  return found;
}

const isCalled = (node: Node, [parent]: readonly Node[]): boolean =>
  (parent?.type === "CallExpression" || parent?.type === "NewExpression") && parent.callee === node;

/** The nodes around a node, the closest first. */
function pathTo(root: Node, wanted: Node): readonly Node[] {
  for (const value of Object.values(root))
    for (const child of Array.isArray(value) ? value : [value]) {
      if (!isNode(child) || child.start > wanted.start || child.end < wanted.end) continue;
      return child === wanted ? [root] : [...pathTo(child, wanted), root];
    }
  return [];
}
