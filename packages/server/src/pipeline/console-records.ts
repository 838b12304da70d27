import { type AuditRecord, parseRecord } from "../audit/record.ts";
import type { StoredRecord } from "../stores/store.ts";

/** A damaged record is passed over: `audit verify` is who judges it. */
export function readRecord({ body }: StoredRecord): AuditRecord | undefined {
  try {
    return parseRecord(body);
  } catch {
    return undefined;
  }
}

/** Whether a record is of the console's own looking: that is on record, and not what somebody looks for. */
export const isLooking = ({ method }: Pick<AuditRecord, "method">): boolean =>
  method !== undefined &&
  (/^console\.(audit|chain|clients|health|follow)$/.test(method) || /^consent\.(list|grants)$/.test(method));
