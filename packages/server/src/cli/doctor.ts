import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { compileOptions, policyFolder } from "../assemble.ts";
import { fileSafetyMode } from "../files/safety-mode.ts";
import { discordPath } from "../open-discord.ts";
import { checkPolicies } from "../policy/check.ts";
import { toLine } from "../policy/fault.ts";
import { toServedFolders } from "../served-folders.ts";
import { readHolder } from "../stores/data-folder.ts";
import { createPolicyFolder } from "../stores/files/policy-store.ts";
import { openAuditLogForReading } from "../stores/sqlite/audit-log.ts";
import { openMessageStore } from "../stores/sqlite/message-store.ts";
import { verifyOwn } from "./audit-verify.ts";
import type { Command, Invocation } from "./command.ts";
import { findFaults, mend } from "./doctor-faults.ts";
import { type CommandError, exits } from "./exit.ts";
import { knownTools } from "./known-tools.ts";
import { openKept } from "./open-kept.ts";
import { print, toTable } from "./output.ts";
import { readPublished } from "./policy-publish.ts";
import { homeOf, servedOf, settingsOf } from "./settings-of.ts";

/** `weak` works, but with less than could be had. */
type State = "good" | "weak" | "bad";

interface Finding {
  readonly what: string;
  readonly state: State;
  readonly says: string;
  /** Whether `doctor --fix` mends it. */
  readonly fixable?: boolean;
}

const marks: Readonly<Record<State, string>> = { good: "\u2713", weak: "!", bad: "\u2717" };
const patienceMs = 3_000;

export const doctor: Command = {
  usage: "[--fix]",
  summary: "Look at everything that can be wrong, and say what to do",
  options: {
    fix: { type: "boolean", help: "mend what can be mended without a choice of yours; no right is given to anyone" },
  },
  async run(invocation) {
    const checks: Readonly<
      Record<string, (invocation: Invocation) => Promise<readonly Finding[]> | readonly Finding[]>
    > = {
      node: checkNode,
      configuration: checkSettings,
      data: checkData,
      server: checkServer,
      policies: checkPolicy,
      audit: checkAudit,
      discord: checkDiscord,
      logins: checkLogins,
      "data folder": checkFaults,
      files: checkFiles,
      git: checkGit,
    };
    const mended = invocation.values.fix ? mend(invocation) : [];
    const findings: Finding[] = mended.map((says) => ({ what: "mended", state: "good", says }));
    for (const [what, check] of Object.entries(checks)) {
      try {
        findings.push(...(await check(invocation)));
      } catch (error) {
        const { message, next } = error as CommandError;
        findings.push({ what, state: "bad", says: next ? `${message} ${next}` : message });
      }
    }
    const ok = findings.every(({ state }) => state !== "bad");
    const fixable = findings.some((finding) => finding.fixable);
    print(
      invocation.output,
      { ok, findings },
      [
        toTable(findings.map(({ what, state, says }) => [marks[state], what, says])),
        ...(fixable ? ["", "portcullis doctor --fix mends what it can of this."] : []),
      ].join("\n"),
    );
    return ok ? exits.ok : exits.no;
  },
};

const checkFaults = (invocation: Invocation): readonly Finding[] =>
  findFaults(invocation).map(({ what, bad, says }) => ({ what, state: bad ? "bad" : "weak", says, fixable: true }));

const found = (what: string, state: State, says: string): readonly Finding[] => [{ what, state, says }];

function checkNode(): readonly Finding[] {
  const major = Number(process.versions.node.split(".")[0]);
  return major >= 24
    ? found("node", "good", process.version)
    : found("node", "bad", `${process.version} is too old: 24 or newer is needed.`);
}

function checkSettings(invocation: Invocation): readonly Finding[] {
  const settings = settingsOf({ ...invocation, positionals: [] });
  return found(
    "configuration",
    "good",
    `port ${settings.port}, profile ${settings.profile}, ${settings.audit.durability} durability`,
  );
}

async function checkData(invocation: Invocation): Promise<readonly Finding[]> {
  const { data } = invocation;
  const state = await openKept(invocation);
  try {
    const live = (await state.tokens.list()).filter(({ revokedAt }) => revokedAt === null).length;
    return found("data", "good", `${data}, ${live} tokens`);
  } finally {
    await state.close();
  }
}

async function checkServer({ data }: Invocation): Promise<readonly Finding[]> {
  const holder = readHolder(data);
  if (!holder?.url) return found("server", "weak", "No server uses this data folder now: portcullis serve DIR");
  const health = await fetch(`${holder.url}/v1/health`, { signal: AbortSignal.timeout(patienceMs) }).catch(
    () => undefined,
  );
  if (!health)
    return found("server", "weak", `Nothing answers at ${holder.url} (pid ${holder.pid}, since ${holder.since}).`);
  const { ready, faults, warnings } = (await health.json()) as {
    ready: boolean;
    faults: readonly string[];
    warnings?: readonly string[];
  };
  if (ready && warnings) return found("server", "weak", `${holder.url}, but: ${warnings.join(" ")}`);
  return ready
    ? found("server", "good", `${holder.url}, pid ${holder.pid}`)
    : found("server", "bad", `${holder.url} takes no calls: ${faults.join(" ")}`);
}

async function checkPolicy(invocation: Invocation): Promise<readonly Finding[]> {
  const settings = settingsOf({ ...invocation, positionals: [] });
  const folders = toServedFolders(servedOf(settings, invocation.data));
  const sources =
    (await readPublished(invocation)) ?? (await createPolicyFolder(policyFolder(invocation.data, settings)).read());
  const report = checkPolicies(
    sources,
    compileOptions({ folders, home: homeOf(invocation), registry: await knownTools(invocation) }),
  );
  if (!report.ok) return report.faults.map((fault) => ({ what: "policies", state: "bad", says: toLine(fault) }));
  const odd = report.warnings.map((warning): Finding => ({ what: "policies", state: "weak", says: toLine(warning) }));
  return [...found("policies", "good", `${report.files} files, ${report.scopes} scopes`), ...odd];
}

async function checkAudit({ data }: Invocation): Promise<readonly Finding[]> {
  const log = openAuditLogForReading(data);
  try {
    const { status, records, fault } = await verifyOwn(data, log);
    const state = status === "ok" ? "good" : status === "incomplete" ? "weak" : "bad";
    return found("audit", state, `${records} records, ${status}${fault ? `: ${fault.message}` : ""}`);
  } finally {
    await log.close();
  }
}

/** What the server last wrote of its connection; nothing where no channel is listed. */
function checkDiscord(invocation: Invocation): readonly Finding[] {
  const { discord } = settingsOf({ ...invocation, positionals: [] });
  if (discord.channels.length === 0) return [];
  const path = discordPath(invocation.data);
  if (!existsSync(path)) return found("discord", "weak", "Nothing is kept of Discord yet: portcullis serve begins.");
  const store = openMessageStore({ path, readOnly: true });
  try {
    const { state, message } = store.status();
    const kept = `${store.count()} messages kept of ${discord.channels.length} channels`;
    const notes = store
      .channels()
      .concat(discord.channels.map(({ channel: id, guild }) => ({ id, guild, parent: "", name: "" })));
    const unread = new Map(
      notes.flatMap(({ id }) => (store.mark(id).ended === "refused" ? [[id, store.mark(id).note]] : [])),
    );
    const mark = state === "refused" ? "bad" : state === "live" ? "good" : "weak";
    return [
      { what: "discord", state: mark, says: `${state === "live" ? "Connected" : message}, ${kept}` },
      ...[...unread].map(([id, note]): Finding => ({ what: "discord", state: "weak", says: `channel ${id}: ${note}` })),
    ];
  } finally {
    store.close();
  }
}

/** Whether Portcullis is logged in where it has to be; nothing where no source asks for it. */
async function checkLogins(invocation: Invocation): Promise<readonly Finding[]> {
  const { sources } = settingsOf({ ...invocation, positionals: [] });
  if (!sources.some((source) => source.kind === "mcp" && source.auth === "oauth")) return [];
  const { oauthSources, tellLogin } = await import("./upstream-login.ts");
  return oauthSources(invocation).map((source) => {
    const { good, says } = tellLogin(source);
    return { what: "login", state: good ? "good" : "weak", says: `${source.name}: ${says}` };
  });
}

const safety = {
  pinned: ["good", "files are pinned, for reading and for writing: no swap between check and use can win"],
  "no-follow": [
    "weak",
    "links are refused at open, but a folder swapped meanwhile is not noticed on this system, neither by reads nor by writes",
  ],
  "symlink-free": [
    "weak",
    "links are refused, but this system cannot pin a file between check and use, neither for reads nor for writes",
  ],
} as const satisfies Record<ReturnType<typeof fileSafetyMode>, readonly [State, string]>;

function checkFiles(): readonly Finding[] {
  const [state, says] = safety[fileSafetyMode()];
  return found("files", state, says);
}

async function checkGit(): Promise<readonly Finding[]> {
  const run = promisify(execFile);
  const version = await run("git", ["--version"], { timeout: patienceMs }).catch(() => undefined);
  return version
    ? found("git", "good", version.stdout.trim())
    : found("git", "weak", "There is no git on the path, so the git tools cannot work.");
}
