import type { Bench, Opened, OpenOptions } from "./browser.ts";
import { type Renderer, toTurns } from "./fixture-page.ts";

/** What a proof has seen that must not be; nothing when all is well. */
export type Faults = string[];

export interface Proving {
  readonly bench: Bench;
  readonly script: string;
  readonly pairing: { readonly server: string; readonly token: string; readonly name: string };
}

export type Proof = (proving: Proving, renderer: Renderer) => Promise<Faults>;

/** Runs a proof; a page that it could not go on with, as one that was left, is a fault as well. */
export async function prove(proof: Proof, proving: Proving, renderer: Renderer): Promise<Faults> {
  try {
    return await proof(proving, renderer);
  } catch (error) {
    return [`the page cannot be asked any more: ${(error as Error).message.split("\n")[0]}`];
  }
}

export const open = (
  { bench, script, pairing }: Proving,
  renderer: Renderer,
  more: Partial<OpenOptions> = {},
): Promise<Opened> => bench.open({ renderer, script, ...more, kept: { pairing, ...more.kept } });

export const button = (opened: Opened, name: string | RegExp) =>
  opened.page.getByRole("button", { name, exact: typeof name === "string" });

export const openPanel = (opened: Opened): Promise<void> => button(opened, "Open Portcullis").click();
export const told = async (opened: Opened): Promise<string> => (await opened.page.locator(".told").textContent()) ?? "";
export const tellsSoon = async (opened: Opened, what: RegExp): Promise<boolean> => {
  for (let tries = 0; tries < 60; tries++) {
    if (what.test(await told(opened))) return true;
    await opened.page.waitForTimeout(50);
  }
  return false;
};

/** What holds whatever is done: nothing is sent, and nothing is touched or asked beside what is named. */
export async function findTrespass(opened: Opened, pastes = 0, navigations: readonly string[] = []): Promise<Faults> {
  const faults: Faults = [];
  if ((await opened.drafts()) > 0) faults.push("a draft was sent");
  const acts = await opened.acts();
  const pasted = acts.filter((act) => act === "dispatch paste").length;
  if (pasted > pastes) faults.push(`${pasted} pastes instead of ${pastes}`);
  for (const act of acts) if (act !== "dispatch paste") faults.push(`did: ${act}`);
  for (const stray of opened.strays) faults.push(`asked the network: ${stray}`);
  for (const path of opened.opened) if (!navigations.includes(path)) faults.push(`opened ${path}`);
  for (const { url, data, headers } of opened.sent) {
    if (!/^http:\/\/127\.0\.0\.1:\d+\/v1\/(pair|tools\/call)$/.test(url)) faults.push(`asked the manager for ${url}`);
    if (Object.keys(headers).some((name) => !/^(content-type|authorization)$/i.test(name)))
      faults.push("an odd header");
    if (url.endsWith("call") && !/^(search|chat\.(add|clip|offer))$/.test((JSON.parse(data) as { name: string }).name))
      faults.push("an odd tool");
  }
  return faults;
}

const draft = (opened: Opened): Promise<string> => opened.page.evaluate<string>("window.fixture.draft()");
const squeeze = (text: string): string => text.replace(/\s+/g, "");

async function search(opened: Opened, query: string): Promise<void> {
  await opened.page.getByLabel("Search Portcullis").fill(query);
  await button(opened, "Search").click();
  await opened.page.getByRole("list", { name: "Passages" }).getByRole("listitem").first().waitFor({ timeout: 5_000 });
}

/** A passage goes into the draft whole, once, where the cursor is, and one undo takes it out. */
export const provesInsert: Proof = async (proving, renderer) => {
  const faults: Faults = [];
  const opened = await open(proving, renderer, { clock: true });
  const { page } = opened;
  await page.evaluate('window.fixture.type("My own words. ")');
  await openPanel(opened);
  await search(opened, "heron");
  await button(opened, /^Insert the passage of Garden/).click();
  if (!(await tellsSoon(opened, /stands in your draft/))) faults.push(`said: ${await told(opened)}`);
  const now = await draft(opened);
  if (!now.startsWith("My own words. ")) faults.push("the draft is not what it was");
  if (!squeeze(now).includes(squeeze("The heron came to the pond at dawn. (Garden, notes/garden.md#bytes=")))
    faults.push(`the draft is: ${now}`);
  if (now.split("heron came").length !== 2) faults.push("the passage stands there more than once");
  const other = '[data-app-shell-active-page="false"] [data-composer-markdown]';
  if (/heron/.test(await page.evaluate<string>(`document.querySelector(${JSON.stringify(other)})?.textContent ?? ""`)))
    faults.push("it went into another chat's draft");
  const grown = now.length;
  await page.evaluate("window.fixture.undo()");
  if ((await draft(opened)).includes("heron") || grown <= 14) faults.push("one undo does not take it out");
  await opened.page.evaluate('window.fixture.view?.dom.setAttribute("contenteditable", "true")');
  if (!opened.tools().includes("chat.offer")) faults.push("the way out is on no record");
  // Nothing comes of it later.
  await page.clock.runFor(120_000);
  await page.waitForTimeout(200);
  faults.push(...(await findTrespass(opened, 1)));
  await opened.close();
  return faults;
};

/** What is too long, or what the page does not take, is not said to be in the draft; what is too long is not even tried. */
export const provesRefusedInsert: Proof = async (proving, renderer) => {
  const faults: Faults = [];
  const long = (name: string, text: string): string =>
    name === "chat.offer" && text.includes("Litany")
      ? text.replace(/"text":"/, `"text":"${"long ".repeat(1_600)}`)
      : text;
  const opened = await open(proving, renderer, { forge: long });
  await openPanel(opened);
  await search(opened, "litany");
  await button(opened, /^Insert the passage of Litany/).click();
  if (!(await tellsSoon(opened, /more than 8000 characters/)))
    faults.push(`of a long passage it said: ${await told(opened)}`);
  if ((await draft(opened)) !== "") faults.push("a long passage is in the draft");
  faults.push(...(await findTrespass(opened, 0)));
  await search(opened, "heron");
  // A page that drops what is pasted, and one that takes half of it.
  for (const take of ["", "heron"]) {
    await opened.page.evaluate(
      `window.fixture.view.setProps({ handlePaste: () => { ${take ? `window.fixture.type(${JSON.stringify(take)});` : ""} return true; } })`,
    );
    await button(opened, /^Insert the passage of Garden/).click();
    if (!(await tellsSoon(opened, /draft is not what it should be/)))
      faults.push(`of a paste that was not taken it said: ${await told(opened)}`);
    await button(opened, /^Copy the passage of Garden/).click();
    if (!(await tellsSoon(opened, /^Copied/))) faults.push("it cannot be copied");
  }
  if (!String(await opened.page.evaluate("window.copied")).includes("heron came")) faults.push("the copy is another");
  await opened.close();
  return faults;
};

/** While nobody asks for anything, nothing happens: no request, no touch, no change of the page. */
export const provesPassive: Proof = async (proving, renderer) => {
  const opened = await open(proving, renderer, { clock: true });
  await opened.page.evaluate(
    `window.changed = 0; new MutationObserver((all) => { window.changed += all.length; }).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true }); window.at = document.getElementById("scroller")?.scrollTop`,
  );
  await opened.page.clock.runFor(120_000);
  const faults = await findTrespass(opened, 0);
  if (opened.sent.length > 0) faults.push("it asked the server by itself");
  if ((await opened.page.evaluate("window.changed")) !== 0) faults.push("it changed the page by itself");
  if ((await opened.page.evaluate('document.getElementById("scroller")?.scrollTop === window.at')) !== true)
    faults.push("it scrolled by itself");
  await opened.close();
  return faults;
};

export const isReading = (opened: Opened): Promise<boolean> => opened.page.locator(".banner").isVisible();
const startReading = async (opened: Opened): Promise<void> => {
  await openPanel(opened);
  await button(opened, "Read this chat").click();
};
/** Lets time pass until the reading has ended by itself. */
async function passUntilRead(opened: Opened, most = 80, ends = /^(Read |Stopped)/): Promise<boolean> {
  for (let step = 0; step < most; step++) {
    await opened.page.clock.runFor(700);
    await opened.page.waitForTimeout(15);
    if (ends.test(await told(opened))) return true;
  }
  return false;
}
const addedIds = (opened: Opened): readonly string[] =>
  opened.sent
    .filter(({ data }) => data.includes('"chat.add"'))
    .flatMap(({ data }) =>
      (JSON.parse(data) as { args: { messages: { id: string }[] } }).args.messages.map(({ id }) => id),
    );

/** A chat is read whole, at a person's pace and in order, and at the second time only as far as it is new. */
export const provesReading: Proof = async (proving, renderer) => {
  const faults: Faults = [];
  const opened = await open(proving, renderer, { clock: true });
  await startReading(opened);
  const from = await opened.page.evaluate<number>("Date.now()");
  if (!(await passUntilRead(opened))) faults.push(`it did not end: ${await told(opened)}`);
  const took = (await opened.page.evaluate<number>("Date.now()")) - from;
  const ids = new Set(addedIds(opened));
  if (ids.size !== 40 || [...ids].some((id) => !/^pond-message-\d{4}$/.test(id)))
    faults.push(`${ids.size} messages were sent`);
  // Forty turns are some ten screens, each of which takes a person more than a second.
  if (renderer === "newer" && took < 10_000) faults.push(`it read forty turns in ${took} ms`);
  if (await isReading(opened)) faults.push("the banner is still there");
  const before = addedIds(opened).length;
  await opened.page.evaluate('const s = document.getElementById("scroller"); if (s) s.scrollTop = 0');
  await button(opened, "Read this chat").click();
  await opened.page.clock.runFor(1_500);
  if (!(await passUntilRead(opened, 10))) faults.push("it reads what it knows again");
  if (addedIds(opened).length !== before) faults.push("it sends what is known again");
  faults.push(...(await findTrespass(opened, 0)));
  await opened.close();
  return faults;
};

/** A reading that was stopped half way is gone on with: the next one passes what it knows, and comes to the chat's beginning. */
export const provesReadingOn: Proof = async (proving, renderer) => {
  const faults: Faults = [];
  const opened = await open(proving, renderer, { clock: true, turns: toTurns(40, "stream") });
  await startReading(opened);
  for (let step = 0; step < 5; step++) {
    await opened.page.clock.runFor(700);
    await opened.page.waitForTimeout(15);
  }
  await opened.page.keyboard.press("Escape");
  await opened.page.waitForTimeout(60);
  const first = new Set(addedIds(opened)).size;
  // The same key has closed the panel.
  await openPanel(opened);
  if (renderer === "newer" && (first < 6 || first > 30)) faults.push(`the first reading sent ${first}`);
  await opened.page.evaluate('const s = document.getElementById("scroller"); if (s) s.scrollTop = 0');
  await button(opened, "Read this chat").click();
  if (!(await passUntilRead(opened, 80, /^Read /))) faults.push(`it did not end: ${await told(opened)}`);
  if (new Set(addedIds(opened)).size !== 40) faults.push(`both sent ${new Set(addedIds(opened)).size} of 40`);
  faults.push(...(await findTrespass(opened, 0)));
  await opened.close();
  return faults;
};

/** What a person does, and what the page shows, that ends a reading at once. */
const stops: Readonly<Record<string, { readonly when: (opened: Opened) => Promise<unknown>; readonly says: RegExp }>> =
  {
    dialog: {
      when: ({ page }) =>
        page.evaluate(
          `document.getElementById("notices").append(Object.assign(document.createElement("div"), { role: "dialog", textContent: "Are you sure?" }))`,
        ),
      says: /asks something/,
    },
    limit: {
      when: ({ page }) =>
        page.evaluate(
          `document.getElementById("notices").append(Object.assign(document.createElement("div"), { role: "alert", textContent: "You\u2019ve reached your usage limit. Try again later." }))`,
        ),
      says: /limit/,
    },
    hidden: {
      when: ({ page }) =>
        page.evaluate(
          'Object.defineProperty(document, "visibilityState", { configurable: true, get: () => "hidden" })',
        ),
      says: /not in view/,
    },
    wheel: { when: ({ page }) => page.mouse.move(300, 300).then(() => page.mouse.wheel(0, 10)), says: /did something/ },
    key: { when: ({ page }) => page.locator(".ProseMirror").last().press("a"), says: /did something/ },
    click: { when: ({ page }) => page.mouse.click(300, 200), says: /did something/ },
    escape: { when: ({ page }) => page.keyboard.press("Escape"), says: /Escape/ },
    button: { when: (opened) => button(opened, "Stop (Esc)").click(), says: /you stopped it/ },
    away: {
      when: ({ page }) =>
        page.evaluate(
          `History.prototype.pushState = window.native.push; history.pushState({}, "", "/c/99999999-0000-4000-8000-000000000000")`,
        ),
      says: /another chat/,
    },
  };
export const stopNames = Object.keys(stops);

/** Each of these ends a reading: it scrolls no more and sends no more, and says why. */
export const provesStop =
  (name: string): Proof =>
  async (proving, renderer) => {
    const stop = stops[name];
    if (!stop) throw new Error(`There is no ${name}.`);
    const faults: Faults = [];
    const opened = await open(proving, renderer, { clock: true });
    await startReading(opened);
    await opened.page.clock.runFor(1_500);
    if (!(await isReading(opened))) faults.push("no banner shows that it reads");
    await stop.when(opened);
    await opened.page.clock.runFor(3_000);
    // What is on its way to the server may take its time; the reading sees what happened when that is answered.
    for (let tries = 0; tries < 60 && !stop.says.test(await told(opened)); tries++) {
      await opened.page.clock.runFor(100);
      await opened.page.waitForTimeout(30);
    }
    if (!stop.says.test(await told(opened))) faults.push(`on ${name} it said: ${await told(opened)}`);
    const before = { sent: opened.sent.length, at: await scrolled(opened) };
    await opened.page.clock.runFor(12_000);
    await opened.page.waitForTimeout(40);
    if (opened.sent.length !== before.sent || (await scrolled(opened)) !== before.at)
      faults.push(`${name} does not end the reading`);
    if (await isReading(opened)) faults.push(`the banner stays after ${name}`);
    faults.push(...(await findTrespass(opened, 0)));
    await opened.close();
    return faults;
  };
const scrolled = (opened: Opened): Promise<unknown> =>
  opened.page.evaluate('document.getElementById("scroller")?.scrollTop');
