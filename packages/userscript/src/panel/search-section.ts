import { toClipboard } from "../gm.ts";
import { insertPassage, mostInserted } from "../insert.ts";
import { findPage } from "../page/find-page.ts";
import { type Found, offerPassage, searchFor } from "../search.ts";
import { make, makeButton, makeField } from "./elements.ts";

const refusals = {
  "too-long": `It has more than ${mostInserted} characters, which that page would make a file of. Use Copy.`,
  "no-composer": "There is no composer here that is known. Use Copy.",
  "not-taken": "The draft is not what it should be now: look at it, or use Copy.",
} as const;

/** Searches Portcullis, and puts a passage that the owner chose into the draft, with its citation. */
export function searchSection(tell: (text: string, bad?: boolean) => void): HTMLElement {
  const field = makeField("Search Portcullis", { type: "search", maxlength: "500" });
  const list = make("ul", { "aria-label": "Passages" });

  const attempt = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      tell((error as Error).message, true);
    }
  };
  const insert = (found: Found): Promise<void> =>
    attempt(async () => {
      const composer = findPage(document)?.composer();
      if (!composer) return tell(refusals["no-composer"], true);
      const done = await insertPassage(composer, await offerPassage(found));
      if (done === "inserted") tell("It stands in your draft. Nothing was sent.");
      else tell(refusals[done], true);
    });
  const copy = (found: Found): Promise<void> =>
    attempt(async () => {
      toClipboard(await offerPassage(found));
      tell("Copied.");
    });
  const show = (found: Found): HTMLElement =>
    make(
      "li",
      {},
      make("div", { class: "title", text: found.title }),
      make("div", {
        class: "passage",
        text: found.text,
        tabindex: "0",
        role: "group",
        "aria-label": `Passage of ${found.title}`,
      }),
      make(
        "div",
        { class: "row" },
        makeButton("Insert", () => insert(found), { "aria-label": `Insert the passage of ${found.title}` }),
        makeButton("Copy", () => copy(found), { "aria-label": `Copy the passage of ${found.title}` }),
      ),
    );
  let asked = "";
  const search = (): Promise<void> =>
    attempt(async () => {
      const query = field.input.value.trim();
      if (query === "" || query === asked) return;
      asked = query;
      try {
        const found = await searchFor(query);
        list.replaceChildren(...found.map(show));
        tell(found.length === 0 ? "Nothing is found." : `${found.length} passages.`);
      } finally {
        asked = "";
      }
    });
  // Also what the return key does in a field.
  field.input.addEventListener("change", () => void search());
  const button = makeButton("Search", search, { class: "strong" });
  return make("section", { "aria-label": "Search" }, field.row, make("div", { class: "row" }, button), list);
}
