import type { Place } from "../../files/canonical-path.ts";
import type { Roots } from "../../files/roots.ts";

/** What the tools of one file source share. */
export interface FileSource {
  readonly place: Place;
  readonly roots: Roots;
}
