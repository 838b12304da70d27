import { hash } from "node:crypto";

const style =
  ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}pre{white-space:pre-wrap;overflow-wrap:anywhere}dt{font-weight:600}dd{margin:0 0 .5rem;overflow-wrap:anywhere}code{overflow-wrap:anywhere}li{margin:.75rem 0}button{font:inherit;padding:.3rem .8rem;text-align:start}input{font:inherit;max-width:100%}@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}a{color:#9cf}}";

/** A page has one style, named by its hash, and nothing else that could run or load. Its forms lead here, and on to `formTarget` if one is named. */
export const toPageHeaders = (formTarget = ""): Readonly<Record<string, string>> => ({
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": `default-src 'none'; style-src 'sha256-${hash("sha256", style, "base64")}'; form-action 'self'${formTarget && ` ${formTarget}`}; frame-ancestors 'none'; base-uri 'none'`,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "x-content-type-options": "nosniff",
  // Without any referrer a browser would send the login form with «Origin: null», which is refused.
  "referrer-policy": "same-origin",
  "cache-control": "no-store",
  "x-frame-options": "DENY",
});
export const pageHeaders = toPageHeaders();

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => escapes[character] ?? "");

export const toPage = (title: string, body: string, head = ""): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">${head}<title>${escapeHtml(title)}</title><style>${style}</style></head><body><main><h1>${escapeHtml(title)}</h1>${body}</main></body></html>`;

// A line break right after the tag is no part of its text.
export const documentPage = (title: string, text: string): string => toPage(title, `<pre>\n${escapeHtml(text)}</pre>`);

export const refusalPage = (message: string, facts: string): string =>
  toPage("Not shown", `<p>${escapeHtml(message)}</p><p>${escapeHtml(facts)}</p>`);

export interface Login {
  /** The path that the form leads to. */
  readonly next: string;
  readonly note: string;
  /** Where the form posts to. */
  readonly action?: string;
  /** Asks for the page once more: the browser leaves the cookie out where a link of another site led here. */
  readonly again?: boolean;
}

export const loginPage = ({ next, note, action = "/d/-/login", again = false }: Login): string =>
  toPage(
    "Portcullis",
    `<p>${escapeHtml(note)}</p><form method="post" action="${escapeHtml(action)}"><input type="hidden" name="next" value="${escapeHtml(next)}"><p><label>Token <input type="password" name="token" autocomplete="off" required autofocus></label> <button>Open</button></p></form>`,
    again ? '<meta http-equiv="refresh" content="0">' : "",
  );
