import { existsSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { printNow } from "../print-now.ts";
import { bundleComposer, fixturePage, type PageOptions, type Turn, toTurns } from "./fixture-page.ts";
import { managerShim, spies } from "./in-page.ts";

/** Where Debian puts it. */
export const executablePath = "/usr/bin/chromium";

/** Why nothing can be proved in a browser here; undefined where it can. */
export const noBrowser = (): string | undefined =>
  existsSync(executablePath) ? undefined : `there is no ${executablePath} on this machine`;

/** The script as the build made it. */
export const builtScript = (): string =>
  readFileSync(join(import.meta.dirname, "../../../packages/server/dist/userscript/portcullis.user.js"), "utf8");

export interface Bench {
  open(options: OpenOptions): Promise<Opened>;
  close(): Promise<void>;
}

export interface OpenOptions extends Partial<PageOptions> {
  readonly renderer: PageOptions["renderer"];
  readonly script: string;
  /** What the manager has kept of the script. */
  readonly kept: Readonly<Record<string, unknown>>;
  readonly chat?: string;
  /** Where each chat leads to; by default to forty turns about it. */
  readonly turnsOf?: (chat: string) => readonly Turn[];
  /** Puts another text in the place of what the server said to a call. */
  readonly forge?: (name: string, text: string) => string;
  /** Time that only passes when it is told to. */
  readonly clock?: boolean;
}

export interface Sent {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly data: string;
}

/** A page of chatgpt.com with the script in it, and all that is known of what it did. */
export interface Opened {
  readonly page: Page;
  /** What went through the manager. */
  readonly sent: readonly Sent[];
  /** Documents that were opened after the first. */
  readonly opened: readonly string[];
  /** Everything that was asked of the network beside the page's own documents. */
  readonly strays: readonly string[];
  /** What the script did to the page; the pastes are told apart. */
  acts(): Promise<readonly string[]>;
  /** Drafts that were sent, by whatever way. */
  drafts(): Promise<number>;
  /** The names of the tools that were called. */
  tools(): readonly string[];
  close(): Promise<void>;
}

export const firstChat = "11111111-2222-4333-8444-000000000001";
export const chatsOf = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => `11111111-2222-4333-8444-${String(at + 1).padStart(12, "0")}`);

export async function openBench(server: string): Promise<Bench> {
  const [browser, composer] = await Promise.all([
    chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-background-networking", "--disable-gpu"] }),
    bundleComposer(),
  ]);
  return {
    open: (options) => openPage({ browser, composer, server }, options),
    close: () => browser.close(),
  };
}

async function openPage(
  { browser, composer, server }: { browser: Browser; composer: string; server: string },
  options: OpenOptions,
): Promise<Opened> {
  const { renderer, script, kept, chat = firstChat, chats = [firstChat], turnsOf = () => toTurns(40), clock } = options;
  const sent: Sent[] = [];
  const opened: string[] = [];
  const strays: string[] = [];
  const context: BrowserContext = await browser.newContext({ viewport: { width: 1200, height: 900 } });
  await context.exposeBinding("askNode", async (_source, { url, headers, data }: Sent) => {
    sent.push({ url, headers, data });
    const answer = url.startsWith(`${server}/v1/`) ? await askServer({ url, headers, data }) : null;
    if (!answer || !options.forge) return answer;
    return { ...answer, responseText: options.forge((JSON.parse(data) as { name: string }).name, answer.responseText) };
  });
  await context.addInitScript(managerShim(kept));
  await context.addInitScript(spies);
  await context.route("**/*", async (route) => {
    const asked = route.request();
    const { origin, pathname } = new URL(asked.url());
    const shown = /^\/c\/([\w-]+)$/.exec(pathname)?.[1];
    if (origin === "https://chatgpt.com" && asked.isNavigationRequest() && asked.method() === "GET" && shown) {
      opened.push(shown);
      const body = fixturePage({ renderer, chats, turns: options.turns ?? turnsOf(shown) });
      return route.fulfill({ contentType: "text/html", body });
    }
    if (asked.url() === "https://chatgpt.com/fixture.js")
      return route.fulfill({ contentType: "text/javascript", body: composer });
    strays.push(`${asked.method()} ${asked.url()}`);
    return route.abort();
  });
  const page = await context.newPage();
  if (clock) await page.clock.install({ time: new Date("2026-11-24T09:00:00Z") });
  // As a manager does when a page has loaded, again on each.
  page.on("domcontentloaded", () => void page.evaluate(script).catch(() => {}));
  await page.goto(`https://chatgpt.com/c/${chat}`, { waitUntil: "domcontentloaded" });
  await page.locator("[data-portcullis]").waitFor({ state: "attached", timeout: 10_000 });
  opened.shift();
  return {
    page,
    sent,
    opened,
    strays,
    acts: () => page.evaluate<readonly string[]>("window.acts"),
    drafts: () => page.evaluate<number>("window.fixture.sent"),
    tools: () =>
      sent
        .filter(({ url }) => url.endsWith("/v1/tools/call"))
        .map(({ data }) => (JSON.parse(data) as { name: string }).name),
    close: () => context.close(),
  };
}

/** A request as a manager sends it: with the headers of the script, and with no origin and no cookies. */
const askServer = ({ url, headers, data }: Sent): Promise<{ status: number; responseText: string } | null> =>
  new Promise((resolve) => {
    const asking = request(url, { method: "POST", headers, agent: false }, (response) => {
      let responseText = "";
      response.setEncoding("utf8").on("data", (piece: string) => {
        responseText += piece;
      });
      response.once("end", () => resolve({ status: response.statusCode ?? 0, responseText }));
    });
    asking.once("error", () => resolve(null));
    asking.end(data);
  });

/** Says why proofs are skipped, at once. */
export function tellSkipped(why: string): void {
  printNow(`The userscript is not proved in a browser: ${why}.`);
}
