import {
  type AskedFor,
  type ConsentGrant,
  type ConsentRequest,
  type ConsentStore,
  mostCalls,
  rememberedMs,
} from "../consent-store.ts";

interface Kept {
  request: ConsentRequest;
  readonly calls: string[];
}

export function createConsentStore(): ConsentStore {
  const requests = new Map<string, Kept>();
  const held = new Map<string, ConsentGrant>();
  let version = 0;

  const open = (now: number): readonly Kept[] =>
    [...requests.values()].filter(({ request }) => request.state === "open" && request.expiresAt > now);
  const change = (kept: Kept, more: Partial<ConsentRequest>): ConsentRequest => {
    kept.request = { ...kept.request, ...more };
    return kept.request;
  };
  const holds = ({ expiresAt }: ConsentGrant, now: number): boolean => expiresAt === null || expiresAt > now;
  const same = ({ question }: AskedFor, now: number): Kept | undefined =>
    [...requests.values()].findLast(
      ({ request }) =>
        request.question === question &&
        request.expiresAt > now &&
        (request.state === "open" || request.state === "denied"),
    );

  return {
    async open(wanted, { perSubject, total }) {
      const now = wanted.createdAt;
      const known = same(wanted, now);
      if (known) {
        if (known.calls.length < mostCalls) known.calls.push(wanted.auditId);
        version++;
        return { kind: "joined", request: change(known, { times: known.request.times + 1 }) };
      }
      const others = open(now);
      const own = others.filter(({ request }) => request.subject === wanted.subject);
      const limit = own.length >= perSubject ? "perSubject" : others.length >= total ? "total" : undefined;
      if (limit) {
        const newest = own.at(-1);
        if (newest) version++;
        return { kind: "full", limit, request: newest && change(newest, { further: newest.request.further + 1 }) };
      }
      const request: ConsentRequest = { ...wanted, state: "open", times: 1, further: 0, answer: null };
      requests.set(wanted.id, { request, calls: [wanted.auditId] });
      version++;
      return { kind: "opened", request };
    },
    find: async (id) => requests.get(id)?.request,
    findByCall: async (auditId) => [...requests.values()].find(({ calls }) => calls.includes(auditId))?.request,
    listOpen: async (now) => open(now).map(({ request }) => request),
    async settle(id, { state, ...answer }, grant) {
      const kept = requests.get(id);
      if (!kept) return { settled: false, request: undefined };
      if (kept.request.state !== "open" || kept.request.expiresAt <= answer.at)
        return { settled: false, request: kept.request };
      if (grant) held.set(grant.id, grant);
      version++;
      return { settled: true, request: change(kept, { state, answer }) };
    },
    grants: async (now) => [...held.values()].filter((grant) => holds(grant, now)),
    async use(id, now) {
      const grant = held.get(id);
      if (!grant || grant.call === null || !holds(grant, now)) return false;
      held.delete(id);
      const kept = requests.get(grant.request);
      if (kept) change(kept, { state: "used" });
      version++;
      return true;
    },
    async withdraw(id, now) {
      const grant = held.get(id);
      if (!grant || !holds(grant, now)) return undefined;
      held.delete(id);
      version++;
      return grant;
    },
    async expire(now) {
      const over = [...requests.values()].filter(({ request }) => request.state === "open" && request.expiresAt <= now);
      const grants = [...held.values()].filter((grant) => !holds(grant, now));
      for (const { id } of grants) held.delete(id);
      for (const [id, { request }] of requests) if (request.expiresAt < now - rememberedMs) requests.delete(id);
      if (over.length + grants.length > 0) version++;
      return { requests: over.map((kept) => change(kept, { state: "expired" })), grants };
    },
    version: async () => version,
  };
}
