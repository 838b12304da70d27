import type { Citation } from "@portcullis/contracts";
import type { Hit } from "../../search/cite.ts";

/** What the audit and the caller are told of a passage that an answer quotes. */
export const toCitation = ({ id, uri, start, end, sha256, stale }: Pick<Hit, keyof Citation>): Citation => ({
  id,
  uri,
  start,
  end,
  sha256,
  stale,
});
