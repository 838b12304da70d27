import type { OAuthRecord } from "../../stores/oauth-store.ts";
import type { TokenRecord } from "../../stores/store.ts";
import { isLive } from "../tokens.ts";
import { type ClientGrant, type GrantStores, listGrants } from "./grants.ts";

/** A program that has registered itself, or that was granted something. */
export interface KnownClient {
  readonly id: string;
  readonly name: string;
  /** Where its logins lead back to; empty for a client that is known by a document of its own. */
  readonly redirects: readonly string[];
  /** When it was registered; null for a client that is known by a document of its own. */
  readonly registeredAt: number | null;
  /** What it holds at this moment. */
  readonly grants: readonly HeldGrant[];
}

export interface HeldGrant {
  /** The name in the owner's token list. */
  readonly name: string;
  readonly subject: string;
  readonly tools: readonly string[];
  readonly createdAt: number;
  readonly expiresAt: number | null;
}

const kind = "Client";

interface Registration {
  readonly client_id?: string;
  readonly client_name?: string;
  readonly redirect_uris?: readonly string[];
}

const isHeld = (token: TokenRecord | undefined, now: number): token is TokenRecord =>
  token !== undefined && isLive(token, now);

async function grantsByClient(stores: GrantStores, now: number): Promise<ReadonlyMap<string, readonly HeldGrantOf[]>> {
  const held: HeldGrantOf[] = [];
  for (const grant of await listGrants(stores.store)) {
    const token = await stores.tokens.find(grant.tokenId);
    if (isHeld(token, now)) held.push({ grant, token });
  }
  return Map.groupBy(held, ({ grant }) => grant.clientId);
}

interface HeldGrantOf {
  readonly grant: ClientGrant;
  readonly token: TokenRecord;
}

const toHeld = ({ grant, token }: HeldGrantOf): HeldGrant => ({
  name: token.name,
  subject: token.subject,
  tools: grant.tools,
  createdAt: token.createdAt,
  expiresAt: token.expiresAt,
});

const toClient = ({ body, createdAt }: OAuthRecord, held: ReadonlyMap<string, readonly HeldGrantOf[]>): KnownClient => {
  const {
    client_id: id = "",
    client_name: name = "",
    redirect_uris: redirects = [],
  } = JSON.parse(body) as Registration;
  return { id, name, redirects, registeredAt: createdAt, grants: (held.get(id) ?? []).map(toHeld) };
};

/** Every client that could log in without registering first, or that holds something. */
export async function listClients(stores: GrantStores, now: number): Promise<readonly KnownClient[]> {
  const held = await grantsByClient(stores, now);
  const records = await stores.store.list(kind);
  const registered = records
    .filter(({ expiresAt }) => expiresAt === null || expiresAt > now)
    .map((record) => toClient(record, held));
  const known = new Set(registered.map(({ id }) => id));
  const others = [...held].flatMap(([id, grants]): KnownClient[] => {
    const [first] = grants;
    if (known.has(id) || !first) return [];
    return [{ id, name: first.grant.clientName, redirects: [], registeredAt: null, grants: grants.map(toHeld) }];
  });
  return [...registered, ...others];
}

/** Withdraws all that a client holds and forgets its registration: it would have to register and ask anew. */
export async function forgetClient(stores: GrantStores, { id, grants }: KnownClient, now: number): Promise<void> {
  for (const { name } of grants) await stores.tokens.revoke(name, now);
  for (const record of await stores.store.list(kind))
    if ((JSON.parse(record.body) as Registration).client_id === id) await stores.store.remove(kind, record.id);
}
