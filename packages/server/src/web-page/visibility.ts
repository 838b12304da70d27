import type { Element } from "domhandler";
import type { Style } from "./cascade.ts";
import { type Colour, faint, toColour, toPixels } from "./hiding-styles.ts";

/** What an element inherits that bears on whether its own text can be seen. */
export interface Sight {
  readonly shown: boolean;
  readonly fontSize: number;
  readonly colour: Colour;
  /** Undefined when it is a picture or is not known. */
  readonly background: Colour | undefined;
}

export const page: Sight = { shown: true, fontSize: 16, colour: [0, 0, 0, 1], background: [255, 255, 255, 1] };

// HTML standard, 15.3.1 «Hidden elements», and what shows no text of its own.
const unseen = new Set(
  (
    "area audio base basefont canvas datalist head iframe link map meta noembed noframes noscript object param rp script style template title video svg " +
    "input select textarea option optgroup progress meter dialog"
  ).split(" "),
);

const smallestFont = 3;
const outOfSight = { pixels: 400, percent: 100 };

/** What the children of an element inherit; undefined when nothing inside it can be seen. */
export function look(element: Element, style: Style, inherited: Sight): Sight | undefined {
  const { name, attribs } = element;
  if (unseen.has(name) && !(name === "dialog" && attribs.open !== undefined)) return undefined;
  if (attribs.hidden !== undefined || attribs["aria-hidden"]?.toLowerCase() === "true") return undefined;
  if (attribs.popover !== undefined) return undefined;
  if (style.size > 0 && isGone(style)) return undefined;
  return inherit(element, style, inherited);
}

/** Whether an element's text can be seen, by what it has inherited and set. */
export function canSee({ shown, fontSize, colour, background }: Sight): boolean {
  if (!shown || fontSize < smallestFont || colour[3] < faint) return false;
  return (
    background === undefined ||
    [0, 1, 2].some((channel) => Math.abs((colour[channel] ?? 0) - (background[channel] ?? 0)) > 16)
  );
}

function inherit({ attribs, name }: Element, style: Style, inherited: Sight): Sight {
  const hinted = name === "font" || name === "body" ? (attribs.color ?? attribs.text) : undefined;
  const colourText = style.get("-webkit-text-fill-color") ?? style.get("color") ?? hinted?.toLowerCase();
  const backgroundText = style.get("background-color") ?? attribs.bgcolor?.toLowerCase();
  const visibility = style.get("visibility");
  if (colourText === undefined && backgroundText === undefined && visibility === undefined && style.size === 0)
    return inherited;
  const picture = (style.get("background-image") ?? "none") !== "none";
  const own = backgroundText === undefined ? undefined : toColour(backgroundText);
  const covers = backgroundText !== undefined && (own?.[3] ?? 1) > 0.5;
  const colour =
    colourText === undefined || /^(inherit|currentcolor)$/.test(colourText) ? inherited.colour : toColour(colourText);
  return {
    shown:
      visibility === undefined || visibility === "inherit"
        ? inherited.shown
        : visibility === "visible" || visibility === "initial",
    fontSize: toFontSize(style.get("font-size"), inherited.fontSize),
    // A colour that cannot be read is taken for one that can be seen.
    colour: colour ?? [128, 128, 128, 1],
    background: picture ? undefined : covers ? own : inherited.background,
  };
}

function toFontSize(value: string | undefined, inherited: number): number {
  if (value === undefined || value === "inherit") return inherited;
  if (value.endsWith("%")) return (inherited * Number.parseFloat(value)) / 100;
  return toPixels(value, inherited) ?? 16;
}

/** Whether a style takes a whole subtree out of sight, whatever its children set. */
function isGone(style: Style): boolean {
  if (style.get("display") === "none" || style.get("content-visibility") === "hidden") return true;
  const opacity = style.get("opacity");
  if (opacity !== undefined && Number.parseFloat(opacity) / (opacity.endsWith("%") ? 100 : 1) < faint) return true;
  if (/opacity\(\s*0?(\.0\d*)?%?\s*\)/.test(style.get("filter") ?? "")) return true;
  return (
    Number.parseFloat(style.get("zoom") ?? "1") < faint || isMovedAway(style) || isSquashed(style) || isClipped(style)
  );
}

function isMovedAway(style: Style): boolean {
  const positioned = /absolute|fixed|relative|sticky/.test(style.get("position") ?? "");
  if (positioned && ["left", "right", "top", "bottom"].some((side) => isFar(style.get(side)))) return true;
  if (["margin-left", "margin-top", "text-indent"].some((property) => isFar(style.get(property)))) return true;
  const moves = `${style.get("transform") ?? ""} translate(${style.get("translate") ?? "0"})`;
  for (const [, list = ""] of moves.matchAll(/translate(?:3d|x|y)?\(([^)]*)\)/g)) {
    // Percentages are of the element itself here: moving it by its own width is how menus and carousels are built.
    if (list.split(/[\s,]+/).some((part) => isFar(part.replace(/(\d)%$/, "$1px")))) return true;
  }
  const scaled = /scale(?:3d|x|y)?\(\s*0?(\.0\d*)?\s*[,)]/.test(style.get("transform") ?? "");
  return scaled || /^0?(\.0\d*)?(\s|$)/.test(style.get("scale") ?? "1");
}

function isFar(value: string | undefined): boolean {
  if (value === undefined) return false;
  if (value.endsWith("%")) return Number.parseFloat(value) <= -outOfSight.percent;
  const pixels = toPixels(value) ?? 0;
  return pixels <= -outOfSight.pixels || pixels >= 10 * outOfSight.pixels;
}

function isSquashed(style: Style): boolean {
  const cut = ["overflow", "overflow-x", "overflow-y"].some((side) =>
    /hidden|clip|scroll|auto/.test(style.get(side) ?? ""),
  );
  return cut && ["width", "height", "max-width", "max-height"].some((side) => (toPixels(style.get(side)) ?? 9) <= 1);
}

function isClipped(style: Style): boolean {
  const rectangle = /^rect\(\s*(-?[\d.]+)[a-z]*[\s,]+(-?[\d.]+)[a-z]*[\s,]+(-?[\d.]+)[a-z]*[\s,]+(-?[\d.]+)/.exec(
    style.get("clip") ?? "",
  );
  if (rectangle && /absolute|fixed/.test(style.get("position") ?? "")) {
    const [top = 0, right = 0, bottom = 0, left = 0] = rectangle.slice(1).map(Number);
    if (bottom - top <= 1 || right - left <= 1) return true;
  }
  const path = style.get("clip-path") ?? "";
  if (/^(circle|ellipse)\(\s*0/.test(path) || /^polygon\(\s*(0[a-z%]*[\s,]*)+\)/.test(path)) return true;
  const inset = /^inset\(\s*([\d.]+)%/.exec(path)?.[1];
  return inset !== undefined && Number(inset) >= 50;
}
