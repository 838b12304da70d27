import type { Place } from "../../files/canonical-path.ts";
import type { Roots } from "../../files/roots.ts";

/** What the tools of one git source share. */
export interface GitSource {
  readonly place: Place;
  readonly roots: Roots;
  readonly gitPath: string;
  readonly limits: GitLimits;
}

export interface GitLimits {
  /** Of each run of git. */
  readonly milliseconds: number;
  /** Of git's output, shown or not. */
  readonly bytes: number;
  /** Commits looked at, shown or not. */
  readonly commits: number;
}
