/** What stands in a page before anything else does: a manager's functions, and spies on every way to act. Each is the text of a script. */

/** Begins with what the manager has kept; asks Node for everything that goes over the wire. */
export const managerShim = (kept: Readonly<Record<string, unknown>>): string => `
if (window.top === window.self) {
  for (const [key, value] of Object.entries(${JSON.stringify(kept)}))
    if (localStorage.getItem("gm:" + key) === null) localStorage.setItem("gm:" + key, JSON.stringify(value));
  window.GM_getValue = (key, fallback) => {
    const found = localStorage.getItem("gm:" + key);
    return found === null ? fallback : JSON.parse(found);
  };
  window.GM_setValue = (key, value) => localStorage.setItem("gm:" + key, JSON.stringify(value));
  window.GM_setClipboard = (text) => void (window.copied = text);
  window.GM_xmlhttpRequest = (request) => {
    const { onload, onerror, ontimeout, onabort, ...sent } = request;
    window.askNode(sent).then(
      (answer) => (answer === null ? onerror() : onload(answer)),
      () => onerror(),
    );
  };
}`;

/** Notes whatever a script does beside reading: \`acts\` has a line for each. The panel's own elements are no part of the page. */
export const spies = `
window.acts = [];
window.native = { click: HTMLElement.prototype.click, push: History.prototype.pushState, dispatch: EventTarget.prototype.dispatchEvent };
(() => {
  const inPanel = (target) => target instanceof Node && (target.getRootNode() instanceof ShadowRoot || target.closest?.("[data-portcullis]") != null);
  const act = (what) => window.acts.push(what);
  const spy = (owner, name, tell = () => name) => {
    const real = owner[name];
    owner[name] = function (...args) {
      const told = tell.call(this, ...args);
      if (told !== undefined) act(told);
      return Reflect.apply(real, this, args);
    };
  };
  spy(EventTarget.prototype, "dispatchEvent", function (event) { return inPanel(this) ? undefined : "dispatch " + event.type; });
  spy(HTMLElement.prototype, "click", () => "click()");
  spy(HTMLFormElement.prototype, "submit", () => "submit()");
  spy(HTMLFormElement.prototype, "requestSubmit", () => "requestSubmit()");
  spy(Document.prototype, "execCommand", (command) => "execCommand " + command);
  spy(Document.prototype, "write", () => "write");
  spy(History.prototype, "pushState", () => "pushState");
  spy(History.prototype, "replaceState", () => "replaceState");
  for (const name of ["back", "forward", "go"]) spy(History.prototype, name, () => "history " + name);
  spy(window, "fetch", (url) => "fetch " + url);
  spy(window, "open", (url) => "open " + url);
  spy(XMLHttpRequest.prototype, "open", (_method, url) => "xhr " + url);
  spy(Navigator.prototype, "sendBeacon", (url) => "beacon " + url);
  spy(HTMLElement.prototype, "focus", function () { return inPanel(this) ? undefined : "focus"; });
  spy(Element.prototype, "attachShadow", function () { return undefined; });
  for (const name of ["WebSocket", "EventSource", "Worker", "SharedWorker"])
    if (window[name]) window[name] = new Proxy(window[name], { construct: (real, args) => (act(name + " " + args[0]), Reflect.construct(real, args)) });
  for (const kind of ["submit", "click", "mousedown", "pointerdown", "keydown", "keypress", "keyup", "beforeinput", "input", "drop"])
    window.addEventListener(kind, (event) => { if (!event.isTrusted && !inPanel(event.composedPath()[0])) act("untrusted " + kind); }, true);
  // The panel is closed to the page; the proofs look inside.
  const attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (options) { return attach.call(this, { ...options, mode: "open" }); };
})();`;
