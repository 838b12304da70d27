import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Answer } from "../support/doors.ts";
import { type Arrived, createBrowser } from "../support/oauth/browser.ts";
import { verifiesOnce } from "../support/verifies.ts";
import { openWorld, type World } from "../support/world.ts";

let world: World;

beforeAll(async () => {
  world = await openWorld({
    files: {
      "plans/garden.md": "# Garden\n\nPlant a walnut.\n",
      "plans/shed.md": "# Shed\n",
      "plans/api-token.txt": "none\n",
    },
    settings: "consent: { openMs: 30000 }\nlimits: { turnCalls: 500, turnCeiling: 5000 }\n",
  });
});
afterAll(() => world?.close());

let subjects = 0;
async function refused(purpose = "to see", path = "notes/plans/garden.md") {
  const token = await world.token(`${++subjects}@page`);
  const call = async (of = path): Promise<Answer> => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const body = JSON.stringify({ name: "fs.readFile", args: { path: of }, trace: { purpose } });
    return (await (
      await fetch(`${world.listening.http}/v1/tools/call`, { method: "POST", headers, body })
    ).json()) as Answer;
  };
  const { details } = await call();
  return { token, call, id: details.consent.id as string, page: details.consent.page as string };
}

/** The fields that a page's form has, with the answer that is chosen. */
function fill({ html }: Arrived, fields: Record<string, string>, at = "token"): URLSearchParams {
  const hidden = [...html.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g)];
  const own = hidden.find(([, name]) => name === at);
  return new URLSearchParams({ ...(own && { [at]: own[2] ?? "" }), ...fields });
}

async function asOwner() {
  const browser = createBrowser();
  const login = new URLSearchParams({ token: world.ownerToken, next: "/consent" });
  const inbox = await browser.visit(`${world.listening.http}/consent/-/login`, { form: login });
  expect(inbox).toMatchObject({ status: 200, url: { pathname: "/consent" } });
  return { browser, inbox };
}

describe("the owner's page", () => {
  verifiesOnce("C1.page", async () => {
    const { call, page, id } = await refused("to see <b>it</b> \u202ereversed");
    expect(page).toBe(`${world.listening.http}/consent/${id}`);
    const browser = createBrowser();
    const stranger = await browser.visit(page);
    expect(stranger.status).toBe(401);
    expect(stranger.html).toContain(`name="next" value="/consent/${id}"`);
    expect(stranger.html).not.toContain("garden");

    const login = new URLSearchParams({ token: world.ownerToken, next: `/consent/${id}` });
    const asked = await browser.visit(`${world.listening.http}/consent/-/login`, { form: login });
    expect(asked).toMatchObject({ status: 200, url: { pathname: `/consent/${id}` } });
    expect(asked.html).toContain("&lt;b&gt;it&lt;/b&gt; &lt;U+202E&gt;reversed (as it says)");
    expect(asked.html).not.toContain("\u202e");
    expect(asked.html).toContain("plans/**</code> (3 files). <strong>Some sound like secrets: <code>");
    expect(asked.html).toContain("api-token.txt");
    // Enter presses the first button.
    expect(/<button name="offer" value="(\w+)"/.exec(asked.html)?.[1]).toBe("deny");
    for (const [name, value] of [
      ["content-security-policy", "frame-ancestors 'none'"],
      ["content-security-policy", "default-src 'none'"],
      ["x-frame-options", "DENY"],
      ["cache-control", "no-store"],
    ] as const)
      expect(asked.headers.get(name)).toContain(value);

    const answered = await browser.visit(page, { form: fill(asked, { offer: "folder-hour" }) });
    expect(answered).toMatchObject({ status: 200, html: expect.stringContaining("You allowed it.") });
    expect(await call()).toMatchObject({ ok: true });
    expect(await call("notes/plans/shed.md")).toMatchObject({ ok: true });

    const inbox = await browser.visit(`${world.listening.http}/consent`);
    expect(inbox.html).toContain("plans/**");
    const withdrawn = await browser.visit(`${world.listening.http}/consent/-/withdraw`, {
      form: fill(inbox, { grant: fill(inbox, {}, "grant").get("grant") ?? "" }),
    });
    expect(withdrawn.html).not.toContain("plans/**");
    expect(await call("notes/plans/shed.md")).toMatchObject({ ok: false });
  });

  test("no is no, an answer counts once, and what nobody offered is no answer", async () => {
    const { browser } = await asOwner();
    const { call, page, id } = await refused();
    const asked = await browser.visit(page);
    const odd = await browser.visit(page, { form: fill(asked, { offer: "everything" }) });
    expect(odd).toMatchObject({ status: 422, html: expect.stringContaining("Choose one of the answers.") });
    const wider = await browser.visit(page, { form: fill(asked, { offer: "hour", resource: "/**" }) });
    expect(wider).toMatchObject({ status: 422, html: expect.stringContaining("is wider than") });
    expect((await browser.visit(page, { form: fill(asked, { offer: "deny" }) })).html).toContain("You said no.");
    expect(await browser.visit(page, { form: fill(asked, { offer: "always" }) })).toMatchObject({ status: 409 });
    expect(await call()).toMatchObject({ ok: false, details: { consent: { id, state: "denied" } } });
    expect(await browser.visit(`${world.listening.http}/consent/NONE`)).toMatchObject({ status: 404 });
  });

  test("an answer that another site, session or page had a hand in does not count", async () => {
    const { browser } = await asOwner();
    const { call, page } = await refused();
    const other = await refused();
    const asked = await browser.visit(page);
    const form = fill(asked, { offer: "always" });
    for (const [what, how] of [
      ["another site", { form, crossSite: true, headers: { origin: "https://evil.example" } }],
      ["another site, cookies and all", { form, headers: { "sec-fetch-site": "cross-site" } }],
      ["no token", { form: new URLSearchParams({ offer: "always" }) }],
      ["another's token", { form: fill(await browser.visit(other.page), { offer: "always" }) }],
    ] as const)
      expect([401, 403], what).toContain((await browser.visit(page, how)).status);
    const elsewhere = (await asOwner()).browser;
    expect(await elsewhere.visit(page, { form })).toMatchObject({ status: 403 });
    expect(await createBrowser().visit(page, { form })).toMatchObject({ status: 401 });
    expect(await call()).toMatchObject({ ok: false, details: { consent: { state: "open" } } });
  });

  test("nobody but the owner logs in, and a login leads nowhere else", async () => {
    const { token, page } = await refused();
    const browser = createBrowser();
    const at = `${world.listening.http}/consent/-/login`;
    for (const [given, status] of [
      [token, 403],
      ["pcl_none", 401],
      ["", 400],
    ] as const) {
      const form = new URLSearchParams({ token: given, next: "/consent" });
      expect(await browser.visit(at, { form })).toMatchObject({ status, html: expect.stringContaining("<form") });
      expect(await browser.visit(page)).toMatchObject({ status: 401 });
    }
    const form = new URLSearchParams({ token: world.ownerToken, next: "//evil.example/" });
    expect(await browser.visit(at, { form })).toMatchObject({ status: 200, url: { pathname: "/consent" } });
  });
});
