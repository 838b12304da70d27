/** What a person's browser came to: a page, or a URL of another server, which it is not taken to. */
export interface Arrived {
  readonly url: URL;
  /** 0 where it left for another server. */
  readonly status: number;
  readonly html: string;
  readonly headers: Headers;
}

interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
  readonly sameSite: string;
}

export interface Visit {
  readonly form?: URLSearchParams;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether a page of another site led here: strict cookies stay at home then. */
  readonly crossSite?: boolean;
}

/** A browser without script, at one server: it keeps cookies by their paths, follows redirects there, and says where it comes from. */
export interface Browser {
  visit(url: string | URL, how?: Visit): Promise<Arrived>;
  readonly cookies: readonly Cookie[];
}

const mostRedirects = 10;

export function createBrowser(): Browser {
  let cookies: readonly Cookie[] = [];

  const keep = (header: string): void => {
    const [pair = "", ...rest] = header.split(/;\s*/);
    const at = pair.indexOf("=");
    const attributes = new Map(rest.map((part) => part.toLowerCase().split("=", 2) as [string, string | undefined]));
    const path = rest.find((part) => /^path=/i.test(part))?.slice(5) ?? "/";
    const name = pair.slice(0, at);
    cookies = cookies.filter((cookie) => cookie.name !== name || cookie.path !== path);
    const value = pair.slice(at + 1);
    if (value !== "") cookies = [...cookies, { name, value, path, sameSite: attributes.get("samesite") ?? "lax" }];
  };

  const visit = async (
    target: string | URL,
    { form, headers = {}, crossSite = false }: Visit = {},
  ): Promise<Arrived> => {
    let url = new URL(target);
    const { origin } = url;
    let body = form;
    for (let count = 0; count < mostRedirects; count++) {
      const sent = cookies.filter(
        ({ path, sameSite }) => url.pathname.startsWith(path) && !(crossSite && sameSite === "strict"),
      );
      const response = await fetch(url, {
        redirect: "manual",
        ...(body && { method: "POST", body }),
        headers: {
          accept: "text/html",
          "sec-fetch-site": crossSite ? "cross-site" : "same-origin",
          ...(body && { origin }),
          cookie: sent.map(({ name, value }) => `${name}=${value}`).join("; "),
          ...headers,
        },
      });
      for (const header of response.headers.getSetCookie()) keep(header);
      const location = response.headers.get("location");
      if (location === null)
        return { url, status: response.status, html: await response.text(), headers: response.headers };
      await response.body?.cancel();
      url = new URL(location, url);
      body = undefined;
      if (url.origin !== origin) return { url, status: 0, html: "", headers: response.headers };
    }
    throw new Error(`The server redirected more than ${mostRedirects} times.`);
  };

  return {
    visit,
    get cookies() {
      return cookies;
    },
  };
}

const entities: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'",
};
const unescapeHtml = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|#39);/g, (entity) => entities[entity] ?? entity);
const attribute = (tag: string, name: string): string | undefined => {
  const found = new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1];
  return found === undefined ? undefined : unescapeHtml(found);
};

/** The form of a page as it would be sent: hidden and text fields, ticked boxes, the selected option. */
export function readForm(html: string): URLSearchParams {
  const form = new URLSearchParams();
  for (const [tag] of html.matchAll(/<input [^>]*>/g)) {
    const name = attribute(tag, "name");
    if (name === undefined || (/ type="checkbox"/.test(tag) && !/ checked/.test(tag))) continue;
    form.append(name, attribute(tag, "value") ?? "");
  }
  for (const [, name = "", options = ""] of html.matchAll(/<select name="([^"]+)">(.*?)<\/select>/gs))
    form.append(name, /value="([^"]+)" selected/.exec(options)?.[1] ?? "");
  return form;
}

/** The boxes of a page: every tool that is offered. */
export const offeredTools = (html: string): readonly string[] =>
  [...html.matchAll(/<input type="checkbox" name="tool" value="([^"]+)"/g)].map(([, name = ""]) => name);
