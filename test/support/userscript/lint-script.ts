import { parseAst } from "vite";

type Node = { readonly type: string; readonly start: number } & Readonly<Record<string, unknown>>;

/** Names by which a script could send, press, run or reach more than this one may; as a property, a variable or a key. */
const forbidden = new Set([
  ...["submit", "requestSubmit", "click", "execCommand", "insertParagraph", "beforeinput", "sendKeys"],
  ...[
    "fetch",
    "XMLHttpRequest",
    "WebSocket",
    "EventSource",
    "sendBeacon",
    "importScripts",
    "Worker",
    "SharedWorker",
    "RTCPeerConnection",
  ],
  ...[
    "eval",
    "Function",
    "constructor",
    "innerHTML",
    "outerHTML",
    "insertAdjacentHTML",
    "createContextualFragment",
    "setHTMLUnsafe",
  ],
  ...[
    "write",
    "writeln",
    "srcdoc",
    "unsafeWindow",
    "postMessage",
    "pushState",
    "replaceState",
    "open",
    "cookie",
    "execScript",
  ],
  ...[
    "KeyboardEvent",
    "InputEvent",
    "MouseEvent",
    "PointerEvent",
    "SubmitEvent",
    "CustomEvent",
    "createEvent",
    "initEvent",
    "UIEvent",
  ],
  ...[
    "setNativeValue",
    "navigation",
    "GM_addElement",
    "GM_openInTab",
    "GM_webRequest",
    "GM",
    "reload",
    "replaceWith",
    "insertText",
  ],
]);
/** Where one of them is harmless, by the text around it. */
const allowed: readonly RegExp[] = [
  /^addEventListener\("click"/,
  /^constructor\(message, code/,
  // Whether a key that the person pressed is Escape.
  /^instanceof KeyboardEvent\b/,
];
const words = [
  /backend-api/i,
  /\bEnter\b/,
  /insertParagraph/i,
  /send-button/i,
  /\/api\//i,
  /javascript:/i,
  /data:text\/html/i,
];
const managers = new Set(["GM_xmlhttpRequest", "GM_getValue", "GM_setValue", "GM_setClipboard"]);
const globals = new Set([
  "window",
  "document",
  "globalThis",
  "self",
  "top",
  "location",
  "navigator",
  "history",
  "frames",
  "parent",
]);

/** What the built script could do that it must not, by its syntax alone; nothing when all is well. */
export function lintScript(script: string): readonly string[] {
  const found: string[] = [];
  const counts = { dispatchEvent: 0, assign: 0, request: 0, attachShadow: 0 };
  const around = (node: Node, before = 0): string => script.slice(Math.max(0, node.start - before), node.start + 60);
  const tell = (node: Node, what: string): void => void found.push(`${what}: ${around(node).split("\n")[0]}`);

  const visit = (node: Node, parent: Node | undefined): void => {
    if (node.type === "Identifier") {
      const name = node.name as string;
      if (forbidden.has(name) && !allowed.some((fine) => fine.test(around(node, 11)) || fine.test(around(node, 0))))
        tell(node, `name ${name}`);
      if (/^GM[._]/.test(name) && !managers.has(name)) tell(node, `manager ${name}`);
    }
    if (node.type === "Literal" && typeof node.value === "string") {
      if (words.some((word) => word.test(node.value as string))) tell(node, "text");
      if (forbidden.has(node.value) && !/addEventListener\($/.test(script.slice(0, node.start))) tell(node, "text");
    }
    if (node.type === "TemplateElement" && words.some((word) => word.test(JSON.stringify(node.value))))
      tell(node, "text");
    if (node.type === "MemberExpression" && node.computed === true) {
      const object = node.object as Node;
      if (object.type === "Identifier" && globals.has(object.name as string)) tell(node, "computed member of a global");
      if (parent?.type === "CallExpression" && parent.callee === node) tell(node, "call of a computed member");
    }
    if (node.type === "AssignmentExpression") {
      const left = node.left as Node;
      const target = script.slice(left.start, left.start + 40);
      if (/^(window\.|document\.|self\.|top\.)?location\b|\.(href|action|src|on[a-z]+)\s*=[^=]/.test(target))
        tell(node, "assignment");
    }
    if (node.type === "CallExpression") checkCall(node);
    if (node.type === "ImportExpression" || node.type === "WithStatement") tell(node, "import");
    for (const value of Object.values(node))
      for (const child of Array.isArray(value) ? value : [value])
        if (typeof child === "object" && child !== null && typeof (child as Node).type === "string")
          visit(child as Node, node);
  };

  const checkCall = (node: Node): void => {
    const callee = node.callee as Node;
    const name = ((callee.type === "MemberExpression" ? (callee.property as Node).name : callee.name) ?? "") as string;
    const text = script.slice(node.start, node.start + 120);
    if (name === "dispatchEvent") {
      counts.dispatchEvent++;
      if (!/^composer\.dispatchEvent\(new ClipboardEvent\("paste", \{/.test(text)) tell(node, "event");
    }
    if (name === "assign" && /location/.test(text)) {
      counts.assign++;
      if (!/^window\.location\.assign\(`https:\/\/chatgpt\.com\$\{path\}`\)/.test(text)) tell(node, "navigation");
    }
    if (name === "GM_xmlhttpRequest") counts.request++;
    if (name === "attachShadow") {
      counts.attachShadow++;
      if (!/mode: "closed"/.test(text)) tell(node, "open shadow root");
    }
  };

  visit(parseAst(script) as unknown as Node, undefined);
  for (const [what, count] of Object.entries(counts)) if (count !== 1) found.push(`${what} stands ${count} times`);
  return found;
}
