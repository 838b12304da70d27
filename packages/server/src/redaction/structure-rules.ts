import { isPlaceholder, lookAt } from "./look.ts";
import { isMask, type Span } from "./spans.ts";

/** Finds what the shape around a secret gives away. `at` is where the rule's anchor stands. */
type Add = (span: Span) => void;

const pem = /-----BEGIN[ A-Z0-9]{0,40}PRIVATE KEY(?: BLOCK)?-----/y;
const pemEnd = /-----END[ A-Z0-9]{0,40}PRIVATE KEY(?: BLOCK)?-----/;
const maxPem = 20_000;
const maxPemEnd = 80;

/** A private key, from its first dash to the end of its last line; to the end of what there is, if that is cut off. */
export function findPem(text: string, add: Add): void {
  for (let at = text.indexOf("-----BEGIN"); at !== -1; at = text.indexOf("-----BEGIN", at + 10)) {
    pem.lastIndex = at;
    if (!pem.test(text)) continue;
    // A key's body holds no five dashes, so the next ones end it: no stretch is read for two keys.
    const dashes = text.indexOf("-----", pem.lastIndex);
    const within = text.slice(pem.lastIndex, dashes === -1 ? at + maxPem : Math.min(at + maxPem, dashes + maxPemEnd));
    const ends = pemEnd.exec(within);
    const body = within.slice(0, ends?.index ?? within.length);
    const letters = body.replace(/[^A-Za-z0-9+/]/g, "");
    if (ends ? letters.length < 16 : letters.length < 24) continue;
    const cut = ends ? ends.index + ends[0].length : bodyEnd(within);
    add({ start: at, end: pem.lastIndex + cut, kind: "private-key" });
    at = pem.lastIndex + cut - 10;
  }
}

/** The end of the lines that can belong to a key whose last line is missing. */
function bodyEnd(text: string): number {
  const run = /^(?:[A-Za-z0-9+/=\s\\"',]|(?:Proc-Type|DEK-Info|Version|Comment):[^\n]{0,100})*/.exec(text);
  return run?.[0].length ?? 0;
}

const userinfo = /([a-z][a-z0-9+.-]{1,20}):\/\/([^\s/:@"'`<>?#]{0,100}):([^\s"'`<>]{1,300})@(?=[^\s@]{2})/giy;
const maxUserinfo = 420;

/** The password in a URL's userinfo, found from the @ that ends it. Only the password is masked. */
export function findUserinfo(text: string, add: Add): void {
  let last = -1;
  for (let at = text.indexOf("@"); at !== -1; at = text.indexOf("@", at + 1)) {
    const near = text.slice(Math.max(0, at - maxUserinfo), at).lastIndexOf("://");
    const from = Math.max(0, at - maxUserinfo) + near;
    if (near === -1 || from === last) continue;
    last = from;
    let scheme = from;
    while (scheme > 0 && from - scheme < 20 && /[a-z0-9+.-]/i.test(text[scheme - 1] ?? "")) scheme--;
    userinfo.lastIndex = scheme;
    const found = userinfo.exec(text);
    if (found) {
      const password = found[3] ?? "";
      const slash = password.search(/[/?#]/);
      // A slash before the @ is a path, unless what stands between is no host and port.
      if (slash !== -1 && /^\d{1,5}$/.test(password.slice(0, slash))) continue;
      if (isMask(password) || isStandIn(password, found[2] ?? "")) continue;
      const start = userinfo.lastIndex - 1 - password.length;
      add({ start, end: start + password.length, kind: "url-password" });
      continue;
    }
    const lone = /^:\/\/([^\s/:@"'`<>?#]{20,300})$/.exec(text.slice(from, at));
    const token = lone?.[1];
    if (token && lookAt(token).digits > 2 && lookAt(token).turns > 5)
      add({ start: at - token.length, end: at, kind: "url-password" });
  }
}

const isStandIn = (password: string, user: string): boolean =>
  isPlaceholder(password) ||
  /^(?:pass|pwd|pw|p|x+|\.+|user|username|:password)$/i.test(password) ||
  (user !== "" && user === password);

const header =
  /(?:authorization["'`]?\s{0,4}[:=,]\s{0,4}["'`]?\s{0,4}|\b)(basic|bearer|token|digest|apikey|negotiate|aws4-hmac-sha256|bot|splunk|sso-key|key|genie[kK]ey|ntlm)\s{1,3}(?:token=)?["'`]?([A-Za-z0-9_\-.~+/=:|]{8,4000})/giy;

/** What follows the scheme of an Authorization header, whether or not the header's name is there. */
export function findAuthScheme(text: string, at: number, add: Add): void {
  header.lastIndex = at;
  const found = header.exec(text);
  const value = found?.[2];
  if (!found || value === undefined) return;
  const look = lookAt(value);
  const named = /authorization/i.test(found[0]);
  if (isPlaceholder(value) || look.length < 8) return;
  if (!named && (look.digits < 2 || (look.length < 20 && look.turns < 3))) return;
  if (look.digits === 0 && look.turns < 2) return;
  add({ start: header.lastIndex - value.length, end: header.lastIndex, kind: "authorization" });
}

const cookie = /\b(?:set-)?cookie["'`]?\s{0,3}[:=]\s{0,3}["'`]?([\w.-]{1,80}=[^\r\n"'`]{6,4000})/giy;

/** The value of a Cookie or Set-Cookie header. */
export function findCookie(text: string, at: number, add: Add): void {
  cookie.lastIndex = at;
  const found = cookie.exec(text);
  const value = found?.[1];
  if (!value || lookAt(value).digits < 2 || isPlaceholder(value)) return;
  add({ start: cookie.lastIndex - value.length, end: cookie.lastIndex, kind: "cookie" });
}

const webhook =
  /(?:hooks\.slack\.com\/(?:services|workflows|triggers)|discord(?:app)?\.com\/api\/(?:v\d{1,2}\/)?webhooks|[\w-]{1,60}\.webhook\.office\.com\/webhookb2|hooks\.zapier\.com\/hooks\/catch|maker\.ifttt\.com\/trigger\/\w{1,60}\/with\/key|api\.telegram\.org\/bot|chat\.googleapis\.com\/v1\/spaces)[/\w\-@.%=?&:]{8,300}/giy;

/** A URL that is a secret by itself: who knows it may post. `at` stands on its host. */
export function findWebhook(text: string, at: number, add: Add): void {
  webhook.lastIndex = at;
  const found = webhook.exec(text);
  if (!found || lookAt(found[0]).digits < 3 || /X{6}|x{6}/.test(found[0])) return;
  add({ start: at, end: webhook.lastIndex, kind: "webhook-url" });
}

const curlUser = /(?:^|\s)(?:-u|--user|--proxy-user)[ =]["'`]?([^\s:"'`$]{0,60}):([^\s"'`$]{3,200})/g;

/** The password after -u or --user. */
export function findCurlUser(text: string, add: Add): void {
  if (!text.includes("curl") && !text.includes("--user")) return;
  for (const found of text.matchAll(curlUser)) {
    const [whole, user = "", password = ""] = found;
    if (isStandIn(password, user) || isMask(password)) continue;
    const end = found.index + whole.length;
    add({ start: end - password.length, end, kind: "password" });
  }
}

const jwt = /eyJ[A-Za-z0-9_-]{8,2000}(?:\.[A-Za-z0-9_-]{2,8000}){1,4}/y;

/** A JSON Web Token whose first part begins with `{"`. */
export function findJwt(text: string, at: number, add: Add): void {
  jwt.lastIndex = at;
  if (jwt.test(text)) add({ start: at, end: jwt.lastIndex, kind: "jwt" });
}
