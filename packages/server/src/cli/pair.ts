import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { policyFolder } from "../assemble.ts";
import { type Offer, offerPairing, scriptTools } from "../identity/pairing.ts";
import { toExpiry } from "../identity/tokens.ts";
import { keptChatsPolicy, scriptPolicy } from "../policy/script-policy.ts";
import { toServedFolders } from "../served-folders.ts";
import { ensureDataFolder, isAlive, readHolder } from "../stores/data-folder.ts";
import { type Command, type Invocation, text } from "./command.ts";
import { CommandError, exits } from "./exit.ts";
import { openKept } from "./open-kept.ts";
import { writeFirstPolicy } from "./open-server.ts";
import { print } from "./output.ts";
import { readPublished } from "./policy-publish.ts";
import { servedOf, settingsOf } from "./settings-of.ts";
import { inert } from "./terminal-text.ts";
import { day } from "./token.ts";
import { withDataFolder } from "./with-data-folder.ts";

export const pair: Command = {
  usage: "[NAME] [--folder NAME]… [--expires 90d]",
  summary: "Pair the script in a browser, which then may keep your chats and search, and nothing else",
  options: {
    subject: { type: "string", help: "who the script is for policy (default userscript)" },
    folder: {
      type: "string",
      multiple: true,
      help: "a served folder that it may search and offer from (default: all)",
    },
    expires: { type: "string", help: "when its token ends: 12h, 90d, an ISO date, or never (default 90d)" },
  },
  async run(invocation) {
    const { positionals, values, output, data } = invocation;
    const [name = "browser", ...more] = positionals;
    const subject = text(values, "subject") ?? "userscript";
    if (more.length > 0 || !/^[\w.@:+-]{1,64}$/.test(name) || !/^[\w.@:+/-]{1,128}$/.test(subject))
      throw new CommandError(exits.usage, "A name is letters, digits and . _ @ : + - only.", "portcullis pair firefox");
    const now = Date.now();
    const expiresAt = toExpiry(text(values, "expires") ?? "90d", now);
    if (expiresAt === undefined)
      throw new CommandError(exits.usage, "--expires is 12h, 90d, a date in the future, or never.");
    const offer: Offer = { name, subject, expiresAt };
    const policies = await withDataFolder(data, () => writePolicies(invocation, subject));
    const made = await withDataFolder(data, async () => {
      const state = await openKept(invocation);
      try {
        return await offerPairing(state.oauth, offer, now);
      } finally {
        await state.close();
      }
    });
    const holder = readHolder(data);
    const url = holder?.url !== undefined && isAlive(holder) ? holder.url : undefined;
    const { port } = settingsOf({ ...invocation, positionals: [] });
    const server = url ?? `http://127.0.0.1:${port}`;
    const script = `${server}/userscript/portcullis.user.js`;
    print(
      output,
      {
        ...{
          code: made.code,
          codeExpiresAt: new Date(made.expiresAt).toISOString(),
          name,
          subject,
          tools: scriptTools,
        },
        ...{ expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(), server, script, policies },
      },
      inert(
        [
          `${made.code}`,
          "",
          `Good once, until ${day(made.expiresAt)} UTC. In the panel of the script on chatgpt.com: «Pair», ${server}, and this code.`,
          `${name} then acts as ${subject} until ${day(expiresAt)}, and may call ${scriptTools.join(", ")}: nothing else, whatever policy allows.`,
          ...policies.map((policy) => `  policy: ${policy}`),
          `  the script: ${script}${url ? "" : "   (no server is running: portcullis serve)"}`,
          `To take it back: portcullis token revoke ${name}`,
        ].join("\n"),
      ),
    );
    return exits.ok;
  },
};

/** The policies that the script begins with; files that are there stay as they are. Answers where each of them is. */
async function writePolicies(invocation: Invocation, subject: string): Promise<readonly string[]> {
  const { data, values } = invocation;
  const settings = settingsOf({ ...invocation, positionals: [] });
  const served = toServedFolders(servedOf(settings, data)).map(({ name }) => name);
  const given = values.folder as readonly string[] | undefined;
  const unknown = given?.find((one) => !served.includes(one));
  if (unknown !== undefined)
    throw new CommandError(
      exits.noInput,
      `No served folder is named ${unknown}.`,
      served.length > 0 ? `They are: ${served.join(", ")}` : "portcullis serve ~/notes",
    );
  const files: readonly (readonly [string, string])[] = [
    [
      `${subject.replace(/[^\w-]+/g, "-")}.yaml`,
      scriptPolicy({ subject, folders: given, compartments: given ?? served }),
    ],
    ["kept-chats.yaml", keptChatsPolicy()],
  ];
  const folder = policyFolder(data, settings);
  ensureDataFolder(data);
  writeFirstPolicy(folder);
  // Replicas share a set that only `policy publish` changes.
  const shared = (await readPublished(invocation))
    ? ", which counts once it is published: portcullis policy publish"
    : "";
  return files.map(([file, content]) => {
    const path = join(folder, file);
    if (existsSync(path)) return `${path}, as it was`;
    writeFileSync(path, content, { mode: 0o600, flag: "wx" });
    return `${path}${shared}`;
  });
}
