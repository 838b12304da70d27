import type { Declaration } from "./style-sheet.ts";

/** The properties by which a page can keep text from a reader's eyes. */
export const relevant = new Set(
  (
    "display visibility content-visibility opacity filter font-size color -webkit-text-fill-color background-color background-image position left right top bottom " +
    "margin-left margin-top text-indent clip clip-path width height max-width max-height overflow overflow-x overflow-y transform scale translate zoom"
  ).split(" "),
);

/** Takes the shorthands apart as far as they concern visibility. */
export function toLonghands(declaration: Declaration): readonly Declaration[] {
  const { property, value } = declaration;
  const to = (name: string, text: string | undefined): Declaration => ({
    ...declaration,
    property: name,
    value: text ?? value,
  });
  const [first, second = first, third = first, fourth = second] = value.split(/\s+(?![^(]*\))/);
  switch (property) {
    case "inset":
      return [to("top", first), to("right", second), to("bottom", third), to("left", fourth)];
    case "margin":
      return [to("margin-top", first), to("margin-left", fourth)];
    case "font":
      return [to("font-size", /(?:^|\s)([\d.]+[a-z%]*)(?:\s*\/|\s)/.exec(value)?.[1] ?? "medium")];
    case "background": {
      const image = /url\(|gradient\(|image/.test(value);
      const colour = value.split(/\s+(?![^(]*\))/).find((part) => toColour(part) !== undefined);
      return [
        to("background-image", image ? "some" : "none"),
        to("background-color", colour ?? (image ? "unknown" : "transparent")),
      ];
    }
    default:
      return [declaration];
  }
}

/** Whether one declaration by itself can hide: what counts when it is unknown whether its rule applies. */
export function hides({ property, value }: Declaration): boolean {
  switch (property) {
    case "display":
      return value === "none";
    case "visibility":
      return value !== "visible";
    case "color":
    case "-webkit-text-fill-color":
    case "background-color":
    case "position":
      return property !== "position" || /absolute|fixed/.test(value);
    case "opacity":
    case "zoom":
      return Number.parseFloat(value) < faint;
    case "background-image":
      return false;
    default:
      return /^(overflow|clip|transform|filter|scale|translate|content)/.test(property)
        ? !/^(visible|none|auto)$/.test(value)
        : (toPixels(value) ?? 9) <= 1;
  }
}

/** Opacity under which nobody reads. */
export const faint = 0.1;

/** A length in CSS pixels; percentages and viewport units as of a 1280 × 800 screen. Undefined for what is no length. */
export function toPixels(value: string | undefined, em = 16): number | undefined {
  const [, number, unit] = /^(?:calc\(\s*)?(-?\d*\.?\d+(?:e\d+)?)\s*([a-z%]*)/.exec(value ?? "") ?? [];
  if (number === undefined) return undefined;
  const scale: Readonly<Record<string, number>> = {
    px: 1,
    "": 1,
    em,
    rem: 16,
    ex: em / 2,
    ch: em / 2,
    pt: 4 / 3,
    pc: 16,
    in: 96,
    cm: 37.8,
    mm: 3.78,
    "%": 12.8,
    vw: 12.8,
    vh: 8,
    vmax: 12.8,
    vmin: 8,
  };
  return Number(number) * (scale[unit ?? ""] ?? 1);
}

/** Red, green, blue (0–255) and opacity (0–1). */
export type Colour = readonly [number, number, number, number];

const names: Readonly<Record<string, string>> = {
  transparent: "#0000",
  white: "#fff",
  black: "#000",
  snow: "#fffafa",
  ivory: "#fffff0",
  azure: "#f0ffff",
  mintcream: "#f5fffa",
  ghostwhite: "#f8f8ff",
  whitesmoke: "#f5f5f5",
  floralwhite: "#fffaf0",
  aliceblue: "#f0f8ff",
  honeydew: "#f0fff0",
  seashell: "#fff5ee",
  lavenderblush: "#fff0f5",
  linen: "#faf0e6",
  oldlace: "#fdf5e6",
  beige: "#f5f5dc",
  lightyellow: "#ffffe0",
  lightcyan: "#e0ffff",
  gainsboro: "#dcdcdc",
  lightgray: "#d3d3d3",
  lightgrey: "#d3d3d3",
  silver: "#c0c0c0",
  gray: "#808080",
  grey: "#808080",
  red: "#f00",
  green: "#008000",
  blue: "#00f",
  yellow: "#ff0",
  navy: "#000080",
  canvas: "#fff",
};

/** Reads hexadecimal, `rgb()`, `hsl()` and the common named colours; undefined for others. */
export function toColour(value: string): Colour | undefined {
  const text = names[value] ?? value;
  const [, hex] = /^#([0-9a-f]{3,8})$/.exec(text) ?? [];
  if (hex !== undefined) {
    const step = hex.length <= 4 ? 1 : 2;
    const at = (index: number): number =>
      Number.parseInt(hex.slice(index * step, (index + 1) * step).repeat(3 - step), 16);
    const alpha = hex.length === 4 || hex.length === 8 ? at(3) / 255 : 1;
    return [at(0), at(1), at(2), alpha];
  }
  const [, kind, inner = ""] = /^(rgb|hsl)a?\(([^()]*)\)$/.exec(text) ?? [];
  if (kind === undefined) return undefined;
  const parts = inner.split(/[\s,/]+/).filter(Boolean);
  const part = (index: number, whole: number): number => {
    const number = Number.parseFloat(parts[index] ?? "");
    return parts[index]?.endsWith("%") ? (number / 100) * whole : number;
  };
  const alpha = parts.length > 3 ? part(3, 1) : 1;
  const colour: Colour =
    kind === "rgb"
      ? [part(0, 255), part(1, 255), part(2, 255), alpha]
      : [...fromHsl(part(0, 360), part(1, 1), part(2, 1)), alpha];
  return colour.some(Number.isNaN) ? undefined : colour;
}

// CSS Color 4, 7.1.
function fromHsl(hue: number, saturation: number, light: number): [number, number, number] {
  const channel = (n: number): number => {
    const k = (n + hue / 30) % 12;
    return 255 * (light - saturation * Math.min(light, 1 - light) * Math.max(-1, Math.min(k - 3, 9 - k, 1)));
  };
  return [channel(0), channel(8), channel(4)];
}
