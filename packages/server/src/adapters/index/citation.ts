import type { Citation } from "@portcullis/contracts";

/** A citation's own fields, of something that has more. */
export const toCitation = ({ id, uri, start, end, sha256, stale }: Required<Citation>): Citation => ({
  id,
  uri,
  start,
  end,
  sha256,
  stale,
});
