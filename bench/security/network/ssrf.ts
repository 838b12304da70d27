import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { isIP } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createGuardedFetch } from "../../../packages/server/src/network/guarded-fetch.ts";
import { table } from "../../measure.ts";
import { startGuardedServer } from "../guarded-server.ts";
import { startDnsServer, type Zone } from "./dns-server.ts";
import { type Arrival, listenEverywhere } from "./listeners.ts";
import { nameServer } from "./namespace.ts";

export interface Attack {
  readonly id: string;
  readonly url: string;
  readonly kind: string;
  readonly expect: "deny" | "allow" | "by-host" | "strip";
  readonly zone?: Zone;
}

const subjects = {
  wide: 'subject: wide\nscopes:\n  - { tool: http.fetch, allow: ["http://*:*/**", "https://*:*/**"] }\n',
  // A redirect to another port is a matter of policy.
  web: 'subject: web\nscopes:\n  - { tool: http.fetch, allow: ["http://*:8080/**"] }\n',
  narrow:
    'subject: narrow\nscopes:\n  - { tool: http.fetch, allow: ["http://allowed.test:*/**", "https://allowed.test:*/**"] }\n',
} as const;

const home = { good: "93.184.215.14", good2: "93.184.215.15", allowed: "93.184.215.20", evil: "93.184.215.66" };
const secrets = { authorization: "Bearer SECRET", "x-api-key": "SECRET", "x-auth-token": "SECRET" } as const;

/** Every URL of the corpus, asked of the whole server and of plain `fetch`, where each connection that is opened is seen. */
export async function trySsrf(attacks: readonly Attack[]): Promise<readonly string[]> {
  const zones = new Map<string, Zone>([
    ["good.test", { A: [home.good] }],
    ["good2.test", { A: [home.good2] }],
    ["allowed.test", { A: [home.allowed] }],
  ]);
  for (const { url, zone } of attacks) {
    const { hostname } = URL.canParse(url) ? new URL(url) : { hostname: "" };
    if (zone && hostname) zones.set(hostname.replace(/\.$/, ""), zone);
  }
  for (const [name, address] of [
    ["a-loop.test", "127.0.0.1"],
    ["a-meta.test", "169.254.169.254"],
  ] as const)
    if (!zones.has(name)) zones.set(name, { A: [address] });
  const dns = await startDnsServer(nameServer, zones);
  const listeners = await listenEverywhere(portsOf(attacks));
  const base = mkdtempSync(join(tmpdir(), "portcullis-network-"));
  mkdirSync(join(base, "root"));
  const server = await startGuardedServer(base, join(base, "root"), subjects);
  const failures: string[] = [];
  const scores = new Map<string, Score>();

  /** What was opened that must not be, by either way; and whether the page was read. */
  const run = async (attack: Attack, work: () => Promise<boolean>): Promise<{ bad: Arrival[]; read: boolean }> => {
    dns.forget();
    dns.fallback = attack.expect === "by-host" ? [home.evil] : ["127.0.0.1"];
    listeners.forget();
    const read = await work().catch(() => false);
    // A connection that was opened is accepted a moment later.
    await new Promise((resolve) => setTimeout(resolve, 2));
    return { bad: listeners.arrivals.filter((arrival) => isBad(attack, arrival)), read };
  };

  for (const attack of attacks) {
    if (attack.expect === "strip") continue;
    const score = scores.get(groupOf(attack)) ?? newScore();
    scores.set(groupOf(attack), score);
    score.all++;
    const subject = attack.expect === "by-host" ? "narrow" : attack.kind.startsWith("redirect") ? "web" : "wide";
    const guarded = await run(attack, async () => (await server.call("http.fetch", { url: attack.url }, subject)).ok);
    const plain = await run(attack, () => fetchPlainly(attack));
    score.plain += Number(attack.expect === "allow" ? !plain.read : plain.bad.length > 0);
    const wrong = attack.expect === "allow" ? !guarded.read : guarded.bad.length > 0;
    score.guarded += Number(wrong);
    if (attack.expect === "by-host") score.read += Number(guarded.read);
    if (!wrong) continue;
    const to = guarded.bad.map(({ address, port }) => `${address}:${port}`).join(", ");
    failures.push(`FAILED ${attack.id} ${attack.kind} ${JSON.stringify(attack.url)} ${to || "is refused"}`);
  }

  const headers = await tryHeaders(attacks, listeners, server);
  await server.stop();
  listeners.close();
  dns.close();
  rmSync(base, { recursive: true, force: true });

  const of = (group: string): Score => scores.get(group) ?? newScore();
  const [escapes, legal, confused] = [of("escapes"), of("false denies"), of("allowlist confusion")];
  return [
    table([
      ["", "of", "Portcullis", "plain fetch", "aim"],
      ["requests that reach what they must not", `${escapes.all}`, `${escapes.guarded}`, `${escapes.plain}`, "0"],
      ["public addresses that are refused", `${legal.all}`, `${legal.guarded}`, `${legal.plain}`, "0"],
      [
        "allowlist confusion: another host reached",
        `${confused.all}`,
        `${confused.guarded}`,
        `${confused.plain} after url.includes()`,
        "0",
      ],
      ["secret headers across origins", `${headers.sent}`, `${headers.guarded}`, `${headers.plain}`, "0"],
    ]),
    `Of the ${confused.all} confusing URLs ${confused.read} were read, all from the allowed host. Secret headers that http.fetch itself refuses to send: ${headers.refused} of ${headers.sent}.`,
    ...(headers.refused < headers.sent || headers.guarded > 0 ? ["FAILED: a secret header travels."] : []),
    ...failures,
  ];
}

interface Score {
  all: number;
  guarded: number;
  plain: number;
  read: number;
}
const newScore = (): Score => ({ all: 0, guarded: 0, plain: 0, read: 0 });

const groupOf = ({ expect }: Attack): string =>
  expect === "deny" ? "escapes" : expect === "allow" ? "false denies" : "allowlist confusion";

/** The corpus's own word on where a request may lead, with none of the product's classes in it. */
function isBad({ expect, kind, zone }: Attack, { address, port }: Arrival): boolean {
  if (expect === "by-host") return address !== home.allowed;
  if (kind.startsWith("redirect")) return !(address === home.good && port === 8080);
  // Before its name turns round it is a public one like any other.
  const first = zone?.seq?.[0];
  if (first) return ![...(first.A ?? []), ...(first.AAAA ?? [])].includes(address);
  return true;
}

async function fetchPlainly({ expect, url }: Attack): Promise<boolean> {
  if (expect === "by-host" && !url.includes("allowed.test")) return false;
  const answer = await fetch(url, { signal: AbortSignal.timeout(3_000), headers: { connection: "close" } });
  await answer.text();
  return answer.ok;
}

function portsOf(attacks: readonly Attack[]): Set<number> {
  const ports = new Set([80, 443, 8080]);
  const add = (text: string): void => {
    if (URL.canParse(text) && new URL(text).port !== "") ports.add(Number(new URL(text).port));
  };
  for (const { url } of attacks) {
    add(url);
    const to = URL.canParse(url) ? new URL(url).searchParams.get("to") : null;
    if (to) add(to);
  }
  // Those that no program may listen on are refused by the system or by the guard, whichever is first.
  ports.delete(0);
  return ports;
}

async function tryHeaders(
  attacks: readonly Attack[],
  listeners: Awaited<ReturnType<typeof listenEverywhere>>,
  server: Awaited<ReturnType<typeof startGuardedServer>>,
): Promise<{ sent: number; refused: number; guarded: number; plain: number }> {
  const names = Object.keys(secrets);
  const score = { sent: 0, refused: 0, guarded: 0, plain: 0 };
  const guarded = createGuardedFetch();
  const count = (): number =>
    listeners.asked
      .filter(({ address }) => address !== home.good && isIP(address) !== 0)
      .reduce((sum, { headers }) => sum + names.filter((name) => headers[name] !== undefined).length, 0);
  for (const { url } of attacks.filter(({ expect }) => expect === "strip")) {
    for (const name of names) {
      score.sent++;
      const outcome = await server.call("http.fetch", { url, headers: { [name]: "SECRET" } }, "wide");
      // For the header, or for what looks like a secret in it.
      score.refused += Number(!outcome.ok && ["VALIDATION_ERROR", "PERMISSION_DENIED"].includes(outcome.code));
    }
    listeners.forget();
    await guarded({ url, headers: secrets, reach: () => "public" });
    score.guarded += count();
    listeners.forget();
    await fetch(url, { headers: secrets }).then((answer) => answer.text());
    score.plain += count();
  }
  return score;
}
