import { escapeGlob } from "../policy/glob.ts";
import type { AskedFor, ConsentResource } from "../stores/consent-store.ts";

/** What the owner can answer. */
export type Choice =
  | { readonly answer: "deny" }
  /** No, and never ask for this again. */
  | { readonly answer: "never" }
  | {
      readonly answer: "allow";
      /** `once`: exactly this call, a single time. Else how long, in ms, or until it is withdrawn. */
      readonly for: "once" | "always" | number;
      /** The folder that holds it instead of the one resource: for tools that read. */
      readonly folder?: boolean;
      /** A narrower pattern than what the other choices give. */
      readonly resource?: string;
      /** Only for calls of this purpose. */
      readonly purpose?: string;
    };

/** One answer that the owner can give, with what it opens. */
export interface Offer {
  readonly name: "once" | "hour" | "folder-hour" | "day" | "always" | "never";
  readonly choice: Choice;
  /** In words. */
  readonly says: string;
  /** All that it opens to the tool; empty for `never`. */
  readonly patterns: readonly string[];
  /** The folders of which everything is opened, deny rules aside; empty unless it is more than what was asked for. */
  readonly folders: readonly string[];
}

export const hour = 3_600_000;
export const day = 24 * hour;

/** Whether every resource of a request has a folder that may be offered. */
export const hasFolder = ({ resources }: Pick<AskedFor, "resources">): boolean =>
  resources.length > 0 && resources.every(({ folder }) => folder !== undefined);

/** The patterns of a request's resources, or of the folders that hold them. */
export const patternsOf = (resources: readonly ConsentResource[], folder: boolean): readonly string[] => [
  ...new Set(
    resources.flatMap((resource) =>
      folder && resource.folder !== undefined ? [`${escapeGlob(resource.folder)}/**`] : resource.patterns,
    ),
  ),
];

/** What the owner can answer to a request, the smallest first. `never` comes last: it is a no. */
export function offersOf(request: AskedFor): readonly Offer[] {
  const { tool, resources } = request;
  const exact = patternsOf(resources, false);
  const whole = exact.every((pattern) => pattern.endsWith("/**"));
  const it = whole
    ? "all that it can reach there"
    : exact.length === 1
      ? "exactly this resource"
      : "exactly these resources";
  const asked = (name: Offer["name"], choice: Choice, says: string): Offer => ({
    ...{ name, choice, says },
    patterns: exact,
    folders: [],
  });
  const once = asked("once", { answer: "allow", for: "once" }, "this call with exactly these arguments, a single time");
  if (request.flow !== undefined) return [once];
  const folders = [...new Set(resources.flatMap(({ folder }) => folder ?? []))];
  return [
    once,
    asked("hour", { answer: "allow", for: hour }, `${tool} on ${it}, for an hour`),
    ...(hasFolder(request)
      ? [
          {
            name: "folder-hour",
            choice: { answer: "allow", for: hour, folder: true },
            says: `${tool}, reading only, on everything in the folder, for an hour`,
            patterns: patternsOf(resources, true),
            folders,
          } as const,
        ]
      : []),
    asked("day", { answer: "allow", for: day }, `${tool} on ${it}, for a day`),
    asked("always", { answer: "allow", for: "always" }, `${tool} on ${it}, until you withdraw it`),
    {
      name: "never",
      choice: { answer: "never" },
      says: "no, and do not ask for this again",
      patterns: [],
      folders: [],
    },
  ];
}
