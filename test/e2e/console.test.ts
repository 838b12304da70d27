import { readdirSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import axe from "axe-core";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Answer } from "../support/doors.ts";
import { printNow } from "../support/print-now.ts";
import { executablePath, noBrowser } from "../support/userscript/browser.ts";
import { verifiesOnce } from "../support/verifies.ts";
import { openWorld, type World } from "../support/world.ts";

const without = noBrowser();
if (without !== undefined) printNow(`The console is not driven in a browser: ${without}.`);
const inBrowser = describe.skipIf(without !== undefined);

let world: World;
let browser: Browser;
beforeAll(async () => {
  world = await openWorld({
    files: { "plans/garden.md": "# Garden\n\nPlant a walnut by the pond.\n", "plans/shed.md": "# Shed\n" },
    settings: "limits: { turnCalls: 500, turnCeiling: 5000 }\n",
  });
  if (without === undefined)
    browser = await chromium.launch({
      executablePath,
      args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
    });
});
afterAll(async () => {
  await browser?.close();
  await world?.close();
});

const http = (): string => world.listening.http;
let subjects = 0;
/** A client whose call is refused, and asks for consent by that. */
async function refused(purpose = "to see", path = "notes/plans/garden.md") {
  const subject = `${++subjects}@console`;
  const token = await world.token(subject);
  const call = async (): Promise<Answer> => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const body = JSON.stringify({ name: "fs.readFile", args: { path }, trace: { purpose } });
    return (await (await fetch(`${http()}/v1/tools/call`, { method: "POST", headers, body })).json()) as Answer;
  };
  const first = await call();
  return { subject, token, call, first };
}

interface Visit {
  readonly page: Page;
  /** What the browser complained of: errors of scripts, and what the content security policy refused. */
  readonly complaints: string[];
  close(): Promise<void>;
}

async function open(options: Parameters<Browser["newContext"]>[0] = {}): Promise<Visit> {
  const context: BrowserContext = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // A refusal is an answer like any other, which a browser writes down as an error.
    if (message.type() === "error" && !/Failed to load resource/.test(message.text())) complaints.push(message.text());
  });
  await page.goto(`${http()}/console/`);
  return { page, complaints, close: () => context.close() };
}

async function logIn({ page }: Visit, token = world.ownerToken): Promise<void> {
  await page.getByLabel("The owner\u2019s token").fill(token);
  await page.getByRole("button", { name: "Log in" }).click();
}
async function enter(options: Parameters<typeof open>[0] = {}): Promise<Visit> {
  const visit = await open(options);
  await logIn(visit);
  await visit.page.getByRole("heading", { name: "Home" }).waitFor();
  await visit.page.getByText("Live", { exact: true }).waitFor();
  return visit;
}
const go = async ({ page }: Visit, screen: string): Promise<void> => {
  await page.getByRole("navigation").getByRole("link", { name: screen }).click();
  await page.getByRole("heading", { name: screen, level: 1 }).waitFor();
};

const ask = (
  path: string,
  {
    method = "POST",
    body = "{}",
    headers = {},
  }: { method?: string; body?: string; headers?: Readonly<Record<string, string>> } = {},
): Promise<{ status: number; cookies: readonly string[]; text: string }> =>
  new Promise((resolve, reject) => {
    const { port } = new URL(http());
    const asking = request(
      {
        host: "127.0.0.1",
        port,
        path,
        method,
        agent: false,
        headers: { "content-type": "application/json", ...headers },
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (piece: string) => {
          text += piece;
        });
        response.once("end", () =>
          resolve({ status: response.statusCode ?? 0, cookies: response.headers["set-cookie"] ?? [], text }),
        );
      },
    );
    asking.once("error", reject).end(method === "GET" ? undefined : body);
  });
const loginAs = (token: string, headers = {}) =>
  ask("/console/api/login", { body: JSON.stringify({ token }), headers });
const cookieOf = (cookies: readonly string[]): string =>
  (cookies.find((one) => one.includes("Path=/console")) ?? "").split(";")[0] ?? "";

verifiesOnce("O5.login", async () => {
  expect((await loginAs("pct_nobody")).status).toBe(401);
  const guest = await loginAs(await world.token("guest@console"));
  expect(guest).toMatchObject({ status: 403, cookies: [] });
  for (const method of ["console.audit", "console.clients", "consent.list", "search"])
    expect({ method, status: (await ask(`/console/api/${method}`)).status }).toEqual({ method, status: 401 });
  expect((await ask("/console/events", { method: "GET" })).status).toBe(401);

  const { status, cookies } = await loginAs(world.ownerToken);
  expect(status).toBe(200);
  expect(cookies.join()).not.toContain(world.ownerToken);
  for (const one of cookies) expect(one).toMatch(/HttpOnly; SameSite=Strict/);
  const cookie = cookieOf(cookies);
  expect((await ask("/console/api/console.clients", { headers: { cookie } })).status).toBe(200);
  // Another site's page, a name that was pointed here, a proxy in front: none of these is the owner at this machine.
  const { port } = new URL(http());
  for (const headers of [
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
    { origin: "https://elsewhere.example" },
    { host: `elsewhere.example:${port}` },
    { "x-forwarded-for": "203.0.113.7" },
    { forwarded: "for=203.0.113.7" },
  ])
    expect({
      headers,
      status: (await ask("/console/api/console.clients", { headers: { cookie, ...headers } })).status,
    }).toEqual({ headers, status: 403 });
  expect((await ask("/console/", { method: "GET", headers: { "x-forwarded-for": "203.0.113.7" } })).status).toBe(403);
  // A form of another page sends no JSON.
  expect(
    (
      await ask("/console/api/console.revoke", {
        body: "token=x",
        headers: { cookie, "content-type": "application/x-www-form-urlencoded" },
      })
    ).status,
  ).not.toBe(200);
  // The login of a guest who may read documents in a browser opens nothing here.
  const form = new URLSearchParams({ token: await world.token("reader@console"), next: "/d/notes/a.md" }).toString();
  const reader = await ask("/d/-/login", {
    body: form,
    headers: { "content-type": "application/x-www-form-urlencoded" },
  });
  const readersCookie = cookieOf(reader.cookies);
  expect(readersCookie).toMatch(/^portcullis_session=./);
  for (const method of ["console.audit", "console.clients", "console.health", "console.chain"])
    expect((await ask(`/console/api/${method}`, { headers: { cookie: readersCookie } })).status).toBe(403);
  for (const path of [
    "/console/../../package.json",
    "/console/%2e%2e/main.js",
    "/console/assets/%2e%2e/%2e%2e/main.js",
    "/console/none.js",
  ])
    expect((await ask(path, { method: "GET" })).status).toBe(404);
  expect((await ask("/console/api/logout", { headers: { cookie } })).status).toBe(200);
  expect((await ask("/console/api/console.clients", { headers: { cookie } })).status).toBe(401);
});

verifiesOnce("O5.size", () => {
  const folder = join(import.meta.dirname, "../../packages/server/dist/console");
  const html = readFileSync(join(folder, "index.html"), "utf8");
  const names = [...html.matchAll(/(?:src|href)="\/console\/([^"]+)"/g)].map(([, name]) => String(name));
  expect(names.some((name) => name.endsWith(".js")) && names.some((name) => name.endsWith(".css"))).toBe(true);
  expect(names.length).toBeGreaterThanOrEqual(readdirSync(join(folder, "assets")).length);
  const sizes = [html, ...names.map((name) => readFileSync(join(folder, name)))].map((file) => gzipSync(file).length);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(60_000);
});

inBrowser("in Chromium", () => {
  test("a wrong token is told, and the right one opens the console", async () => {
    const visit = await open();
    await logIn(visit, "pct_wrong");
    await visit.page
      .getByRole("alert")
      .getByText(/not known/)
      .waitFor();
    await logIn(visit);
    await visit.page.getByRole("heading", { name: "Home" }).waitFor();
    await visit.page.reload();
    await visit.page.getByRole("heading", { name: "Home" }).waitFor();
    await visit.page.getByRole("button", { name: "Log out" }).click();
    await visit.page.getByLabel("The owner\u2019s token").waitFor();
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  verifiesOnce("O5.consent", async () => {
    const visit = await enter();
    const { page } = visit;
    await go(visit, "Requests");
    const asking = await refused(`<img src=x onerror="window.pwned=1"> \u202esee`);
    const card = page.getByRole("article").filter({ hasText: asking.subject });
    // It comes by itself.
    await card.waitFor({ timeout: 10_000 });
    await card.getByText('<img src=x onerror="window.pwned=1"> <U+202E>see (as it says)').waitFor();
    expect(await page.evaluate("window.pwned")).toBeUndefined();
    // The first button is the narrowest: this call, once. Only the keyboard is used from here on.
    await page.getByRole("heading", { name: "Requests" }).focus();
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.textContent")).toMatch(/once|single|this call/i);
    await page.keyboard.press("Enter");
    await page.getByText(/^Done: /).waitFor();
    await card.waitFor({ state: "detached" });
    expect(await page.evaluate("document.activeElement.tagName")).toBe("H1");
    expect(await asking.call()).toMatchObject({ ok: true });
    expect(await asking.call()).toMatchObject({ ok: false });

    // A wider answer says what it opens; a no is a no; what holds is withdrawn.
    const wide = await refused("to plan");
    const other = page.getByRole("article").filter({ hasText: wide.subject });
    await other.getByText("Other answers").click();
    await other
      .getByText(/Opens .*plans\/\*\*.* \(2 files\)/)
      .first()
      .waitFor();
    await other
      .getByRole("button", { name: /folder|plans/ })
      .first()
      .click();
    await other.waitFor({ state: "detached" });
    expect(await wide.call()).toMatchObject({ ok: true });
    const held = page.getByRole("listitem").filter({ hasText: wide.subject });
    await held.getByRole("button", { name: /^Withdraw/ }).click();
    await held.waitFor({ state: "detached" });
    expect(await wide.call()).toMatchObject({ ok: false });

    const denied = await refused("to try");
    await page
      .getByRole("article")
      .filter({ hasText: denied.subject })
      .getByRole("button", { name: "No", exact: true })
      .click();
    await page.getByText(`Denied to ${denied.subject}.`).waitFor();
    expect(await denied.call()).toMatchObject({ ok: false });
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  verifiesOnce("O5.audit", async () => {
    const visit = await enter();
    const { page } = visit;
    await go(visit, "Audit");
    const asking = await refused("<b>bold</b>");
    const records = page.getByRole("region", { name: "Records" }).getByRole("listitem");
    await records.filter({ hasText: asking.subject }).first().waitFor({ timeout: 10_000 });
    await page.getByRole("button", { name: "Pause" }).click();
    const later = await refused("later");
    await page.waitForTimeout(800);
    expect(await records.filter({ hasText: later.subject }).count()).toBe(0);
    await page.getByRole("button", { name: "Go on" }).click();
    await records.filter({ hasText: later.subject }).first().waitFor();
    await page.getByRole("textbox", { name: "Who" }).fill(asking.subject);
    await records.filter({ hasText: later.subject }).first().waitFor({ state: "detached" });
    await records.filter({ hasText: asking.subject }).getByRole("button").first().click();
    const detail = page.getByRole("region", { name: /fs\.readFile|consent/ });
    await detail.getByText("PERMISSION_DENIED").first().waitFor();
    expect(await detail.textContent()).toContain("<b>bold</b>");
    expect(await detail.locator("b").count()).toBe(0);
    // What looks at the audit is on record, and in nobody's way.
    const looked = (await world.audit()).filter(({ method }) => method === "console.audit");
    expect(looked.length).toBeGreaterThan(0);
    expect(await records.filter({ hasText: "console.audit" }).count()).toBe(0);
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  verifiesOnce("O5.revoke", async () => {
    const client = await refused();
    const visit = await enter();
    const { page } = visit;
    await go(visit, "Clients");
    const row = page.getByRole("row").filter({ hasText: client.subject });
    await row.getByRole("button", { name: /^End/ }).click();
    expect((await client.call()).code).toBe("PERMISSION_DENIED");
    await row.getByRole("button", { name: /^Really end/ }).click();
    await row.getByText("revoked").waitFor();
    expect((await client.call()).code).toBe("UNAUTHENTICATED");
    // The console's own session is among the sessions: ended, it has to log in again.
    const own = page.getByRole("row").filter({ hasText: "this browser" });
    await own.getByRole("button", { name: /^End/ }).click();
    await own.getByRole("button", { name: /^Really end/ }).click();
    await page.getByLabel("The owner\u2019s token").waitFor({ timeout: 15_000 });
    await visit.close();
  });

  verifiesOnce("O5.search", async () => {
    const visit = await enter();
    await go(visit, "Search");
    await visit.page.getByRole("searchbox").fill("walnut pond");
    for (let tries = 0; ; tries++) {
      await visit.page.getByRole("button", { name: "Search" }).click();
      await visit.page
        .getByRole("status")
        .filter({ hasText: /document|Nothing/ })
        .waitFor();
      if ((await visit.page.locator("mark").count()) > 0 || tries > 30) break;
      await visit.page.waitForTimeout(200);
    }
    expect((await visit.page.locator("mark").allTextContents()).map((word) => word.toLowerCase())).toEqual(
      expect.arrayContaining(["walnut", "pond"]),
    );
    expect(visit.complaints).toEqual([]);
    await visit.close();
  });

  verifiesOnce("O5.accessible", async () => {
    await refused("to be seen");
    const faults: string[] = [];
    for (const colorScheme of ["light", "dark"] as const)
      for (const width of [1280, 360]) {
        const visit = await open({ colorScheme, viewport: { width, height: 800 }, bypassCSP: true });
        const look = async (screen: string): Promise<void> => {
          await visit.page.evaluate(axe.source);
          const found = await visit.page.evaluate<readonly { id: string; nodes: readonly { html: string }[] }[]>(
            "axe.run(document).then(({ violations }) => violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html }) => ({ html })) })))",
          );
          for (const { id, nodes } of found)
            faults.push(`${screen} ${colorScheme} ${width}: ${id} ${nodes[0]?.html.slice(0, 120)}`);
          const wide = await visit.page.evaluate<number>(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth",
          );
          if (wide > 0) faults.push(`${screen} ${colorScheme} ${width}: ${wide} px wider than the window`);
        };
        await visit.page.getByLabel("The owner\u2019s token").waitFor();
        await look("login");
        await logIn(visit);
        await visit.page.getByText("Live", { exact: true }).waitFor();
        for (const screen of ["Home", "Requests", "Audit", "Clients", "Search"]) {
          await go(visit, screen);
          await visit.page.waitForTimeout(400);
          if (screen === "Requests") await visit.page.getByText("Other answers").first().click();
          if (screen === "Audit")
            await visit.page.getByRole("region", { name: "Records" }).getByRole("button").first().click();
          await look(screen);
        }
        await visit.close();
      }
    expect(faults).toEqual([]);
  });
});
