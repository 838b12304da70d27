import { chatsOf, firstChat, type Opened, type OpenOptions } from "./browser.ts";
import { toTurns } from "./fixture-page.ts";
import { button, type Faults, findTrespass, isReading, open, openPanel, type Proof, told } from "./proofs.ts";

const chats = chatsOf(4);
const [, second = "", third = ""] = chats;
const walking: Partial<OpenOptions> = { clock: true, chats, turns: toTurns(4) };
/** The browser's clock begins here. */
const begin = Date.parse("2026-11-24T09:00:00Z");

async function pass({ page }: Opened, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1_000) {
    // A page that is just left takes no orders.
    await page.clock.runFor(1_000).catch(() => {});
    await page.waitForTimeout(5);
  }
}

async function walk(opened: Opened): Promise<void> {
  await opened.page.getByLabel(/^Open my chats/).check();
  await button(opened, "Walk my chats").click();
}

/** Lets time pass until a chat is opened; answers how long that took, in milliseconds. */
async function passUntilOpened(opened: Opened): Promise<number> {
  const before = opened.opened.length;
  let waited = 0;
  for (; opened.opened.length === before && waited < 90_000; waited += 1_000) await pass(opened, 1_000);
  await opened.page.locator("[data-portcullis]").waitFor({ state: "attached" });
  return waited;
}

/** A walk begins only when it was agreed to, opens a chat in twenty to forty-five seconds, and only those of the list, until it is stopped. */
export const provesWalk: Proof = async (proving, renderer) => {
  const faults: Faults = [];
  const opened = await open(proving, renderer, walking);
  await openPanel(opened);
  await button(opened, "Walk my chats").click();
  await opened.page.clock.runFor(60_000);
  if (opened.opened.length > 0) faults.push("it walks without being told so");
  await walk(opened);
  for (const wanted of [second, third]) {
    const waited = await passUntilOpened(opened);
    if (opened.opened.at(-1) !== wanted) faults.push(`it opened ${opened.opened.at(-1)}`);
    if (waited < 19_000) faults.push(`it opened the next chat after ${waited} ms`);
  }
  await pass(opened, 8_000);
  if (!(await isReading(opened))) faults.push("no banner shows the walk");
  await opened.page.keyboard.press("Escape");
  await pass(opened, 70_000);
  if (opened.opened.length !== 2) faults.push("it walks on after Escape");
  faults.push(...(await findTrespass(opened, 0, chats)));
  await opened.close();
  return faults;
};

const kept = {
  active: true,
  queue: chats.slice(2),
  day: "2026-11-24",
  opened: 1,
  last: begin - 5_000,
  going: "",
  astray: [],
};

/** A walk goes on only on the page that it has opened itself, soon, once, and no more often than sixty times a day. */
export const provesWalkEnds: Proof = async (proving, renderer) => {
  const faults: Faults = [];
  const cases = {
    "on a page that a person opened": { ...kept },
    "a day later": { ...kept, going: firstChat, last: begin - 86_400_000 },
    "three minutes later": { ...kept, going: firstChat, last: begin - 180_000 },
    "after sixty chats": { ...kept, going: firstChat, opened: 60 },
    "where a chat led elsewhere": { ...kept, going: second },
  };
  for (const [name, walk] of Object.entries(cases)) {
    const opened = await open(proving, renderer, { ...walking, kept: { walk } });
    await pass(opened, 70_000);
    if (opened.opened.length > 0) faults.push(`it walks on ${name}`);
    if (await isReading(opened)) faults.push(`a banner stays ${name}`);
    faults.push(...(await findTrespass(opened, 0)));
    await opened.close();
  }
  // A page that the walk has opened goes on, so the cases above are refused for what they say.
  const here = await open(proving, renderer, { ...walking, kept: { walk: { ...kept, going: firstChat } } });
  await passUntilOpened(here);
  if (here.opened[0] !== third) faults.push(`where it should go on it opened ${here.opened[0]}`);
  await here.close();
  return faults;
};

/** A chat that leads elsewhere ends the walk, which says so; the next walk opens it last. */
export const provesAstray: Proof = async (proving, renderer) => {
  const faults: Faults = [];
  const opened = await open(proving, renderer, { ...walking, kept: { walk: { ...kept, going: second } } });
  await pass(opened, 2_000);
  if (!/led to this page/.test(await told(opened))) faults.push(`it said: ${await told(opened)}`);
  await openPanel(opened);
  await walk(opened);
  for (const wanted of [third, chats[3], second]) {
    await passUntilOpened(opened);
    if (opened.opened.at(-1) !== wanted) faults.push(`it opened ${opened.opened.join(", ")}`);
  }
  faults.push(...(await findTrespass(opened, 0, chats)));
  await opened.close();
  return faults;
};
