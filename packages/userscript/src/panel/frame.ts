import { make, makeButton } from "./elements.ts";
import { style } from "./style.ts";

/** Where the sections of the panel stand, and what all of them use. */
export interface Frame {
  /** The one element of the script in the page. */
  readonly host: HTMLElement;
  readonly sections: HTMLElement;
  /** Says something to whoever looks or listens; `bad` for what went wrong. */
  tell(text: string, bad?: boolean): void;
  /** Shows what goes on by itself, with a way to stop it, until the answer is called. */
  banner(text: string, stop: () => void): { say(text: string): void; end(): void };
}

/** Puts the panel beside the page, closed, in a shadow root that the page's own styles and scripts do not reach. */
export function openFrame(): Frame {
  const host = make("div", { "data-portcullis": "" });
  const root = host.attachShadow({ mode: "closed" });
  const sections = make("div");
  const told = make("p", { class: "told", role: "status", "aria-live": "polite" });
  const bannerText = make("p", { role: "status", "aria-live": "polite" });
  const bannerPlace = make("div", {
    class: "banner",
    role: "region",
    "aria-label": "Portcullis is at work",
    hidden: "",
  });
  const panel = make("div", { class: "panel", role: "dialog", "aria-label": "Portcullis", id: "panel", hidden: "" });

  const show = (wanted: boolean): void => {
    panel.toggleAttribute("hidden", !wanted);
    opener.toggleAttribute("hidden", wanted);
    opener.setAttribute("aria-expanded", String(wanted));
    const next = wanted ? panel.querySelector<HTMLElement>("input, button") : opener;
    next?.focus();
  };
  const opener = makeButton("P", () => show(true), {
    class: "opener",
    "aria-label": "Open Portcullis",
    "aria-expanded": "false",
    "aria-controls": "panel",
  });
  const close = makeButton("Close", () => show(false));
  panel.append(make("header", {}, make("h2", { text: "Portcullis" }), close), told, sections);
  // What is typed here is no business of the page's shortcuts.
  for (const kind of ["keydown", "keyup", "keypress", "paste", "input"] as const)
    panel.addEventListener(kind, (event) => {
      event.stopPropagation();
      if (event instanceof KeyboardEvent && kind === "keydown" && event.key === "Escape") show(false);
    });
  root.append(make("style", { text: style }), make("div", { class: "root" }, bannerPlace, opener, panel));
  document.documentElement.append(host);

  return {
    host,
    sections,
    tell(text, bad = false) {
      told.textContent = text;
      told.classList.toggle("bad", bad);
    },
    banner(text, stop) {
      bannerText.textContent = text;
      bannerPlace.replaceChildren(bannerText, makeButton("Stop (Esc)", stop));
      bannerPlace.removeAttribute("hidden");
      return {
        say: (now) => {
          bannerText.textContent = `${text} ${now}`;
        },
        end: () => bannerPlace.setAttribute("hidden", ""),
      };
    },
  };
}
