import { chatsOf, type Opened } from "./browser.ts";
import { type Renderer, toTurns } from "./fixture-page.ts";
import { type Faults, findTrespass, type Proving } from "./proofs.ts";

/** Numbers from 0 to below 1 that a seed makes (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** What can happen next, each as a script of the page; `r` is a number from 0 to below 1. Those that change the draft by the person's own hand say so. */
const happenings: readonly {
  readonly name: string;
  readonly often: number;
  readonly own?: true;
  readonly code: string;
}[] = [
  {
    name: "press a button of the panel",
    often: 12,
    // A script that forgets its server can do nothing more: that button is left out.
    code: `const all = [...panel.querySelectorAll("button")].filter((one) => one.getClientRects().length > 0 && !/^(Forget|Close)/.test(one.textContent));
      const one = all[Math.floor(r * all.length)]; if (one) native.click.call(one); return one?.textContent ?? "none";`,
  },
  {
    name: "search",
    often: 6,
    code: `const one = panel.querySelector("input[type=search], section[aria-label=Search] input"); if (one) { one.value = ["heron", "reeds", "litany"][Math.floor(r * 3)]; native.dispatch.call(one, new Event("change", { bubbles: true })); }`,
  },
  {
    name: "press Insert",
    often: 8,
    code: `const all = [...panel.querySelectorAll("button")].filter((each) => each.textContent === "Insert"); const one = all[Math.floor(r * all.length)]; if (one) native.click.call(one); return one ? "Insert" : "none";`,
  },
  {
    name: "begin a walk",
    often: 4,
    code: `const box = panel.querySelector("input[type=checkbox]"); if (box) box.checked = true; const one = [...panel.querySelectorAll("button")].find((each) => each.textContent === "Walk my chats"); if (one) native.click.call(one);`,
  },
  {
    name: "write into the panel",
    often: 4,
    code: `const all = [...panel.querySelectorAll("input:not([type=checkbox]):not([type=url])")]; const one = all[Math.floor(r * all.length)];
      if (one) { one.value = ["heron", "reeds", "task", "\\u0000<b>", ""][Math.floor(r * 97) % 5]; native.dispatch.call(one, new Event("change", { bubbles: true })); }`,
  },
  {
    name: "tick a box",
    often: 2,
    code: `const one = panel.querySelector("input[type=checkbox]"); if (one) one.checked = r < 0.7;`,
  },
  {
    name: "type",
    often: 3,
    own: true,
    code: `fixture.type(["word ", "\\u00e9\\u4e2d ", "x".repeat(200)][Math.floor(r * 3)]);`,
  },
  { name: "undo", often: 2, own: true, code: `fixture.undo();` },
  {
    name: "select",
    often: 2,
    code: `const all = [...document.querySelectorAll("[data-message-id], [data-chatgpt-search-message-ids]")]; const one = all[Math.floor(r * all.length)]; if (one) getSelection().selectAllChildren(one);`,
  },
  {
    name: "show a dialog or a notice",
    often: 2,
    code: `const one = document.createElement("div"); one.setAttribute("role", r < 0.5 ? "dialog" : "alert"); one.textContent = "Too many requests. Try again later."; document.getElementById("notices").append(one);`,
  },
  { name: "clear the notices", often: 3, code: `document.getElementById("notices").replaceChildren();` },
  {
    name: "hide or show the tab",
    often: 2,
    code: `window.view = r < 0.4 ? "hidden" : "visible"; Object.defineProperty(document, "visibilityState", { configurable: true, get: () => window.view });`,
  },
  {
    name: "begin or end an answer",
    often: 2,
    code: `document.querySelector("[data-testid=stop-button]")?.remove(); if (r < 0.5) { const one = document.createElement("button"); one.dataset.testid = "stop-button"; one.textContent = "Stop"; (document.querySelector('[data-app-shell-active-page="true"]') ?? document.body).append(one); }`,
  },
  {
    name: "build the composer anew",
    often: 1,
    own: true,
    code: `const place = document.getElementById("place"); place.replaceChildren(); if (r < 0.8) fixture.mount(place, document.getElementById("scroller") ? { "data-composer-markdown": "", role: "textbox" } : { id: "prompt-textarea" });`,
  },
  {
    name: "lose a message",
    often: 1,
    code: `const all = document.querySelectorAll("[data-message-id], #room > div"); all[Math.floor(r * all.length)]?.remove();`,
  },
  {
    name: "activate another page too",
    often: 1,
    code: `const one = document.querySelector("[data-app-shell-active-page]"); if (one?.hidden) one.dataset.appShellActivePage = String(r < 0.3);`,
  },
  {
    name: "scroll",
    often: 2,
    code: `const one = document.getElementById("scroller"); if (one) one.scrollTop = -r * 4000;`,
  },
];

const deck = happenings.flatMap((one) => Array.from({ length: one.often }, () => one));

interface Seen {
  readonly acts: readonly string[];
  readonly draft: string;
  readonly sent: number;
}

/** What a fuzz came to: one that presses dead buttons proves nothing. */
export interface Fuzzed {
  readonly faults: Faults;
  readonly pastes: number;
  readonly opened: number;
  /** Calls by the name of their tool. */
  readonly calls: Readonly<Record<string, number>>;
}

/** Does one thing after the other, whatever comes, and looks after each whether what must hold still holds. A seed chooses the same things again; how fast the server answers differs. */
export async function fuzz(
  { bench, script, pairing }: Proving,
  { renderer, seed, count }: { readonly renderer: Renderer; readonly seed: number; readonly count: number },
): Promise<Fuzzed> {
  const random = createRandom(seed);
  const chats = chatsOf(5);
  const kept = { pairing };
  const opened = await bench.open({ renderer, script, kept, chats, turns: toTurns(16), clock: true });
  const faults: Faults = [];
  const trace: string[] = [];
  let before: Seen = { acts: [], draft: "", sent: 0 };
  let pastes = 0;
  let presses = 0;
  await doInPage(opened, `native.click.call(panel.querySelector(".opener"));`, 0);
  for (let step = 0; step < count && faults.length === 0; step++) {
    const documents = opened.opened.length;
    const done = await doNext(opened, random);
    trace.push(done.name);
    if (/\(Insert\)$/.test(done.name)) presses++;
    const now = await look(opened);
    if (now === undefined) {
      faults.push("the page cannot be looked at");
      break;
    }
    const isNew = opened.opened.length > documents;
    const fresh = isNew ? now.acts : now.acts.slice(before.acts.length);
    const pasted = fresh.filter((act) => act === "dispatch paste").length;
    pastes += pasted;
    if (now.sent > 0) faults.push("a draft was sent");
    for (const act of fresh) if (act !== "dispatch paste") faults.push(`did: ${act}`);
    if (!done.own && pasted === 0 && !isNew && now.draft !== before.draft) faults.push("the draft changed by itself");
    before = now;
  }
  if (pastes > presses) faults.push(`${pastes} pastes, and Insert was pressed ${presses} times`);
  if (faults.length === 0) faults.push(...(await findTrespass(opened, Number.POSITIVE_INFINITY, chats)));
  const calls: Record<string, number> = {};
  for (const name of opened.tools()) calls[name] = (calls[name] ?? 0) + 1;
  const result = { pastes, opened: opened.opened.length, calls };
  await opened.close();
  if (faults.length > 0) faults.push(`step ${trace.length} of seed ${seed}, after: ${trace.slice(-12).join("; ")}`);
  return { faults, ...result };
}

interface Done {
  readonly name: string;
  /** Whether the draft was changed by the person's own hand. */
  readonly own: boolean;
}

async function doNext(opened: Opened, random: () => number): Promise<Done> {
  const { page } = opened;
  const pick = random();
  if (pick < 0.18) {
    const ms = random() < 0.5 ? Math.round(random() * 2_000) + 100 : Math.round(random() * 30_000) + 20_000;
    // Whoever waits for an answer gets it meanwhile; a page that is just left takes no orders.
    for (let passed = 0; passed < ms; passed += 1_000) {
      await page.clock.runFor(Math.min(1_000, ms - passed)).catch(() => {});
      await page.waitForTimeout(2);
    }
    return { name: `${ms} ms pass`, own: false };
  }
  if (pick < 0.2) {
    const which = random();
    if (which < 0.4) await page.keyboard.press(which < 0.2 ? "Escape" : "Shift");
    else if (which < 0.7) await page.mouse.click(500, 700);
    else await page.mouse.move(500, 300).then(() => page.mouse.wheel(0, -40));
    return { name: "a real key, click or wheel", own: false };
  }
  const one = deck[Math.floor(random() * deck.length)] as (typeof deck)[number];
  const said = await doInPage(opened, one.code, random());
  // A search or an offer has its answer before the next thing happens, most times.
  if (random() < 0.8) await page.waitForTimeout(25);
  return { name: `${one.name}${typeof said === "string" ? ` (${said})` : ""}`, own: one.own === true };
}

const doInPage = (opened: Opened, code: string, r: number): Promise<unknown> =>
  opened.page
    .evaluate(
      `(() => { const r = ${r}; const panel = document.querySelector("[data-portcullis]")?.shadowRoot; if (!panel || !window.fixture?.view) return "no page"; ${code} })()`,
    )
    .catch(() => "left");

/** What the page is now; a page that is just being opened is waited for. */
async function look({ page }: Opened): Promise<Seen | undefined> {
  for (let tries = 0; tries < 100; tries++) {
    const seen = await page
      .evaluate<Seen | null>(
        `document.querySelector("[data-portcullis]") && window.fixture?.view ? { acts: window.acts, draft: window.fixture.draft(), sent: window.fixture.sent } : null`,
      )
      .catch(() => null);
    if (seen) return seen;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return undefined;
}
