import type { Adapter, AdapterPayload } from "oidc-provider";
import { errors } from "oidc-provider";
import type { OAuthRecord } from "../../stores/oauth-store.ts";
import { digest } from "../tokens.ts";
import { type GrantStores, isGranted, withdrawGrant } from "./grants.ts";

export interface AdapterOptions extends GrantStores {
  readonly now: () => number;
}

/**
 * The provider's storage, over our port. What names a record is kept as its hash alone, and put back when someone shows it. A grant is there
 * as long as its token is, so that `portcullis token revoke` ends everything that hangs on it.
 */
export function createAdapter(kind: string, options: AdapterOptions): Adapter {
  const { store, now } = options;

  const toPayload = (record: OAuthRecord | undefined, id?: string): AdapterPayload | undefined => {
    if (!record || (record.expiresAt !== null && record.expiresAt <= now())) return undefined;
    const payload = JSON.parse(record.body) as AdapterPayload;
    if (id !== undefined && kind !== "Client") payload.jti = id;
    if (record.consumedAt !== null) payload.consumed = Math.floor(record.consumedAt / 1_000);
    return payload;
  };

  return {
    async upsert(id, payload, expiresIn) {
      const { jti: _secret, consumed: _kept, ...rest } = payload;
      const at = now();
      await store.put({
        kind,
        id: digest(id),
        alias: payload.uid === undefined ? null : digest(payload.uid),
        grant: payload.grantId === undefined ? null : digest(payload.grantId),
        body: JSON.stringify(rest),
        createdAt: at,
        expiresAt: expiresIn ? at + expiresIn * 1_000 : null,
        consumedAt: null,
      });
    },
    async find(id) {
      if (kind === "Grant" && !(await isGranted(options, id, now()))) return undefined;
      return toPayload(await store.find(kind, digest(id)), id);
    },
    findByUid: async (uid) => toPayload(await store.findByAlias(kind, digest(uid))),
    findByUserCode: async () => undefined,
    async consume(id) {
      if (await store.consume(kind, digest(id), now())) return;
      // Another request was first, which the provider's own look at the record could not know.
      const record = await store.find(kind, digest(id));
      const { grantId } = record ? (JSON.parse(record.body) as AdapterPayload) : {};
      if (grantId !== undefined) await withdrawGrant(options, grantId, now());
      throw new errors.InvalidGrant("already used");
    },
    async destroy(id) {
      if (kind === "Grant") await withdrawGrant(options, id, now());
      await store.remove(kind, digest(id));
    },
    async revokeByGrantId(grantId) {
      await store.removeGrant(kind, digest(grantId));
    },
  };
}
