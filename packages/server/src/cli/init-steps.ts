import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseDocument } from "yaml";
import { policyFolder } from "../assemble.ts";
import { readSettings } from "../config/read-settings.ts";
import { createOwnerToken, createToken, digest, isLive } from "../identity/tokens.ts";
import { defaultPolicy, schemaFile } from "../policy/default-policy.ts";
import { policySchemaText } from "../policy/schema.ts";
import { ensureDataFolder, isAlive, readHolder } from "../stores/data-folder.ts";
import { type ClientTarget, readClientFile, tokenVariable } from "./client-target.ts";
import type { Invocation } from "./command.ts";
import { write } from "./connect.ts";
import { checkEntry, type Step } from "./connect-check.ts";
import { CommandError, exits } from "./exit.ts";
import { openKept } from "./open-kept.ts";
import { keepCopy, replaceText } from "./replace-text.ts";
import { rememberServed } from "./settings-of.ts";
import { withDataFolder } from "./with-data-folder.ts";

/** All that the wizard was told. */
export interface InitPlan {
  readonly invocation: Invocation;
  readonly folders: readonly string[];
  readonly client: string;
  readonly way: "stdio" | "http";
  readonly subject: string;
  /** Undefined where no client is to be connected. */
  readonly target: ClientTarget | undefined;
  readonly config: string;
}

export interface InitDone {
  readonly steps: readonly Step[];
  readonly ownerToken: string | undefined;
  readonly connected: boolean;
  readonly next: readonly string[];
}

const startMs = 20_000;
const yearMs = 365 * 86_400_000;

/**
 * Does what was planned, each step whole by itself and skipped where it is done already, so that the wizard can be run again. The client's file comes last,
 * and is put back as it was when the call through it fails or the wizard is interrupted.
 */
export async function applyInit(plan: InitPlan): Promise<InitDone> {
  const { invocation, folders, subject, target } = plan;
  const { data, env } = invocation;
  const steps: Step[] = [];
  const good = (what: string, says: string): void => void steps.push({ what, state: "good", says });
  await withDataFolder(data, () => ensureDataFolder(data));
  good("data", data);
  good("configuration", writeConfig(plan));
  const settings = readSettings(data, existsSync(plan.config) ? { config: plan.config } : {}, env);
  rememberServed(
    data,
    folders.map((path) => ({ name: path, path })),
  );
  good("policy", writePolicies(policyFolder(data, settings), plan));
  const { ownerToken, token } = await makeTokens(plan);
  if (ownerToken) good("owner's token", "made");
  if (!target)
    return {
      steps,
      ownerToken,
      connected: false,
      next: [`portcullis serve --data ${data}`, `portcullis connect CLIENT --write --check`],
    };
  if (token) good("client's token", `made for ${subject}, kept in ${tokenFile(plan)} for its owner alone`);

  const before = existsSync(target.file) ? readClientFile(target.file) : undefined;
  const back = (): void => {
    if (before === undefined) rmSync(target.file, { force: true });
    else replaceText(target.file, before);
  };
  const interrupted = (signal: NodeJS.Signals): void => {
    back();
    process.stderr.write("\nInterrupted: the client's file is as it was. Run init again to go on.\n");
    process.exit(signal === "SIGINT" ? 130 : 143);
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.once(signal, interrupted);
  try {
    write(target);
    const checked = await checkAtWork(plan, token);
    steps.push(...checked);
    const connected = checked.every(({ state }) => state !== "bad");
    if (!connected) back();
    return { steps, ownerToken, connected, next: connected ? nextSteps(plan) : afterFailure(plan) };
  } catch (error) {
    back();
    throw error;
  } finally {
    for (const signal of signals) process.off(signal, interrupted);
  }
}

/** The configuration with these folders beside those that it has. */
function writeConfig({ config, folders }: InitPlan): string {
  const text = existsSync(config) ? readFileSync(config, "utf8") : "";
  const document = parseDocument(text);
  if (document.errors.length > 0)
    throw new CommandError(
      exits.config,
      `${config} cannot be read: ${document.errors[0]?.message}`,
      "Mend it, and run init again.",
    );
  const known = (document.toJS() as { readonly folders?: readonly string[] } | null)?.folders ?? [];
  const missing = folders.filter((folder) => !known.includes(folder));
  if (missing.length === 0) return `${config}, as it was`;
  if (text.trim() === "") document.contents = document.createNode({}) as never;
  document.set("folders", [...known, ...missing]);
  keepCopy(config);
  replaceText(config, document.toString());
  return config;
}

/** The first policies of a data folder, and one for the client; a file that is there stays. */
function writePolicies(folder: string, { client, subject }: InitPlan): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const put = (name: string, text: string): string => {
    const file = join(folder, name);
    if (existsSync(file)) return `${file}, as it was`;
    writeFileSync(file, text, { mode: 0o600, flag: "wx" });
    return file;
  };
  const own = put("owner.yaml", defaultPolicy());
  put(schemaFile, policySchemaText());
  if (client === "none") return own;
  return put(`${client}.yaml`, defaultPolicy().replace(/^subject: owner$/m, `subject: ${JSON.stringify(subject)}`));
}

const tokenFile = ({ client, invocation }: InitPlan): string => join(invocation.data, "clients", `${client}.token`);

/** The owner's token at the first time, and for a client that asks over HTTP one of its own. A client that starts the server needs none: it is that user already. */
async function makeTokens(
  plan: InitPlan,
): Promise<{ readonly ownerToken: string | undefined; readonly token: string | undefined }> {
  const { invocation, way, client, subject } = plan;
  const values = { ...invocation.values, ...(existsSync(plan.config) && { config: plan.config }) };
  const state = await withDataFolder(invocation.data, () => openKept({ ...invocation, values }, ["identity"]));
  try {
    const ownerToken = await createOwnerToken(state.tokens, Date.now());
    if (way === "stdio" || client === "none") return { ownerToken, token: undefined };
    const file = tokenFile(plan);
    const kept = existsSync(file) ? readFileSync(file, "utf8").trim() : "";
    const found = kept === "" ? undefined : (await state.tokens.list()).find(({ hash }) => hash === digest(kept));
    if (found && found.subject === subject && isLive(found, Date.now())) return { ownerToken, token: kept };
    // One of an earlier, broken run that nobody has any more.
    const name = `init-${client}`;
    await state.tokens.revoke(name, Date.now());
    const made = await createToken(state.tokens, { name, subject, expiresAt: Date.now() + yearMs }, Date.now());
    replaceText(file, `${made.token}\n`);
    return { ownerToken, token: made.token };
  } finally {
    await state.close();
  }
}

/** A real call through the client's entry; a server is started for it where the client asks one and none runs. */
async function checkAtWork(plan: InitPlan, token: string | undefined): Promise<readonly Step[]> {
  const { invocation, target, way } = plan;
  const { data, env } = invocation;
  const checking = { env: token === undefined ? env : { ...env, [tokenVariable]: token }, query: "portcullis" };
  if (!target) return [];
  const holder = readHolder(data);
  if (way === "stdio" || (holder?.url !== undefined && isAlive(holder))) return checkEntry(target, checking);
  const config = existsSync(plan.config) ? ["--config", plan.config] : [];
  const main = fileURLToPath(new URL("../main.js", import.meta.url));
  const server = spawn(process.execPath, [main, "serve", "--data", data, ...config, "--json"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const ended = new Promise<void>((done) => server.once("exit", () => done()));
  const lines = createInterface({ input: server.stdout });
  try {
    const up = await Promise.race([
      new Promise<boolean>((listening) => lines.once("line", (line) => listening(line.includes('"listening"')))),
      ended.then(() => false),
      new Promise<boolean>((late) => setTimeout(() => late(false), startMs).unref()),
    ]);
    if (!up) return [{ what: "server", state: "bad", says: `It did not start: portcullis serve --data ${data}` }];
    return await checkEntry(target, checking);
  } finally {
    server.kill("SIGTERM");
    await ended;
    lines.close();
  }
}

function nextSteps(plan: InitPlan): readonly string[] {
  const { client, way, invocation, subject } = plan;
  const start =
    way === "stdio"
      ? [`Start ${client}: it starts Portcullis by itself, and may search and read your folders as ${subject}.`]
      : [
          `portcullis serve --data ${invocation.data}`,
          `export ${tokenVariable}="$(cat ${JSON.stringify(tokenFile(plan))})"    # where ${client} is started`,
          `Start ${client}.`,
        ];
  return [
    ...start,
    `portcullis consent --data ${invocation.data}    # answer what it asks for beyond its policy`,
    `portcullis audit tail -f --data ${invocation.data}    # see what it does`,
    `portcullis connect ${client} --undo    # take it back`,
  ];
}

const afterFailure = ({ client, invocation }: InitPlan): readonly string[] => [
  `${client}'s file is as it was before. Mend what is marked above, and run init again: it goes on from here.`,
  `portcullis doctor --data ${invocation.data}`,
];
