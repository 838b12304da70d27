const longest = 200_000;

/** What is no part of a message: controls, pictures of formulas, words for screen readers alone. */
const apart =
  'button, svg, script, style, noscript, template, input, select, textarea, [hidden], [aria-hidden="true"], .sr-only';

/** What an element shows as Markdown. Nothing of it is run or changed. */
export function toMarkdown(element: Element): string {
  return inside(element, "")
    .replace(/[\u200b\u200c\u2060\ufeff]/g, "")
    .replace(/[^\S\n]+\n/g, "\n")
    .replace(/\n{3,}/g, "\n\n")
    .trim()
    .slice(0, longest);
}

const inside = (element: Element, indent: string): string =>
  [...element.childNodes].map((node) => render(node, indent)).join("");

function render(node: Node, indent: string): string {
  if (node.nodeType === Node.TEXT_NODE) {
    const text = node.nodeValue ?? "";
    const { parentElement } = node;
    return parentElement && /^pre/.test(getComputedStyle(parentElement).whiteSpace) ? text : text.replace(/\s+/g, " ");
  }
  if (!(node instanceof Element) || node.matches(apart)) return "";
  const formula = node.matches(".katex, .katex-display, math") ? texOf(node) : undefined;
  if (formula !== undefined) return formula;
  const name = node.localName;
  if (/^h[1-6]$/.test(name)) return `\n\n${"#".repeat(Number(name[1]))} ${inside(node, indent).trim()}\n\n`;
  switch (name) {
    case "br":
      return "\n";
    case "hr":
      return "\n\n---\n\n";
    case "pre":
      return toFence(node);
    case "code":
      return `\`${node.textContent ?? ""}\``;
    case "strong":
    case "b":
      return `**${inside(node, indent)}**`;
    case "em":
    case "i":
      return `*${inside(node, indent)}*`;
    case "a":
      return toLink(node, inside(node, indent));
    case "img":
      return `[picture${node.getAttribute("alt") ? `: ${node.getAttribute("alt")}` : ""}]`;
    case "ul":
    case "ol":
      return `\n${toList(node, indent)}\n`;
    case "blockquote":
      return `\n\n${inside(node, indent).trim().replace(/^/gm, "> ")}\n\n`;
    case "tr":
      return `| ${[...node.children].map((cell) => inside(cell, "").trim().replace(/\s+/g, " ")).join(" | ")} |\n`;
    case "p":
    case "table":
      return `\n\n${inside(node, indent)}\n\n`;
    case "div":
    case "section":
    case "article":
      return `\n${inside(node, indent)}\n`;
    default:
      return inside(node, indent);
  }
}

function toFence(pre: Element): string {
  const code = pre.querySelector("code") ?? pre;
  const language = /language-([\w+#-]{1,30})/.exec(code.getAttribute("class") ?? "")?.[1] ?? "";
  const text = (code.textContent ?? "").replace(/\n$/, "");
  const fence = "`".repeat(Math.max(3, ...[...text.matchAll(/`+/g)].map(([run]) => run.length + 1)));
  return `\n\n${fence}${language}\n${text}\n${fence}\n\n`;
}

function toLink(link: Element, text: string): string {
  const target = link.getAttribute("href") ?? "";
  return /^https?:\/\/[^\s()]{1,2000}$/.test(target) && text.trim() !== "" ? `[${text.trim()}](${target})` : text;
}

function toList(list: Element, indent: string): string {
  const first = Number(list.getAttribute("start") ?? 1) || 1;
  return [...list.children]
    .filter((item) => item.localName === "li")
    .map((item, at) => {
      const mark = list.localName === "ol" ? `${first + at}.` : "-";
      return `${indent}${mark} ${inside(item, `${indent}  `)
        .trim()
        .replace(/\n{2,}/g, "\n")}`;
    })
    .join("\n");
}

function texOf(node: Element): string | undefined {
  const source = node.querySelector('annotation[encoding="application/x-tex"]')?.textContent?.trim();
  if (!source) return undefined;
  return node.matches(".katex-display") || node.closest(".katex-display") ? `\n\n$$${source}$$\n\n` : `$${source}$`;
}
