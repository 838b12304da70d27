import { findNewerPage } from "./newer-page.ts";
import { findOlderPage } from "./older-page.ts";
import type { Page } from "./page.ts";

/** The page's way to show chats, told by what it can do just now; undefined where it is none that is known: then only the clipboard is left. */
export const findPage = (document: Document): Page | undefined => findNewerPage(document) ?? findOlderPage(document);
