import { execFile } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { compileOptions, policyFolder } from "../assemble.ts";
import { compilePolicy, type Policy } from "../policy/compile.ts";
import type { CompileOptions } from "../policy/compile-scope.ts";
import { toLine } from "../policy/fault.ts";
import { withFileSystems } from "../policy-places.ts";
import { toServedFolders } from "../served-folders.ts";
import { createPolicyFolder, PolicyFolderError } from "../stores/files/policy-store.ts";
import type { PolicySource } from "../stores/store.ts";
import type { Invocation } from "./command.ts";
import { CommandError, exits } from "./exit.ts";
import { knownTools } from "./known-tools.ts";
import { readPublished } from "./policy-publish.ts";
import { homeOf, servedOf, settingsOf } from "./settings-of.ts";

/** What the policies of a data folder are compiled with, and where they lie. */
export interface PolicyWorld {
  readonly folder: string;
  /** The set that all replicas share; undefined where the folder is what counts. */
  readonly published: readonly PolicySource[] | undefined;
  readonly served: readonly string[];
  readonly options: CompileOptions;
}

export async function openWorld(invocation: Invocation): Promise<PolicyWorld> {
  const settings = settingsOf({ ...invocation, positionals: [] });
  const folders = toServedFolders(servedOf(settings, invocation.data));
  const options = compileOptions({ folders, home: homeOf(invocation), registry: await knownTools(invocation) });
  return {
    folder: policyFolder(invocation.data, settings),
    published: await readPublished(invocation),
    served: folders.map(({ path }) => path),
    options: await withFileSystems(options),
  };
}

/**
 * The policy files that `where` names: a folder, one file, or a git revision of the policy folder (`HEAD~1`; `HEAD~1:sub/folder` for another place of its
 * repository). Without it, the set that the replicas share, or the files of the data folder.
 */
export async function readSet(
  { folder, published }: Pick<PolicyWorld, "folder" | "published">,
  where?: string,
): Promise<readonly PolicySource[]> {
  try {
    if (where === undefined) return published ?? (await createPolicyFolder(folder).read());
    if (!existsSync(where)) return await readRevision(folder, where);
    if (statSync(where).isDirectory()) return await createPolicyFolder(where).read();
    return [{ path: where, text: readFileSync(where, "utf8") }];
  } catch (error) {
    if (error instanceof PolicyFolderError)
      throw new CommandError(exits.noInput, error.message, "Name the data folder with --data.");
    throw error;
  }
}

/** A set that has to be good, as for a comparison. */
export function compileSet(sources: readonly PolicySource[], { options }: PolicyWorld): Policy {
  const { policy, faults } = compilePolicy(sources, options);
  if (policy) return policy;
  throw new CommandError(
    exits.data,
    `These policies have faults, so nothing can be said of them:\n${faults.map(toLine).join("\n")}`,
    "portcullis policy check",
  );
}

const run = promisify(execFile);
const gitMs = 10_000;
const gitBytes = 64 * 1024 * 1024;

/** Reads blobs only: no hook, filter or attribute of the repository is run. */
async function git(folder: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run("git", ["-C", folder, "--literal-pathspecs", ...args], {
    timeout: gitMs,
    maxBuffer: gitBytes,
  });
  return stdout;
}

async function readRevision(folder: string, where: string): Promise<readonly PolicySource[]> {
  const [, revision = "", inside] = /^([^:]+)(?::(.*))?$/s.exec(where) ?? [];
  try {
    if (revision.startsWith("-")) throw new Error("no revision begins with a dash");
    const commit = (
      await git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", `${revision}^{commit}`)
    ).trim();
    const at = inside ?? (await git(folder, "rev-parse", "--show-prefix")).trim();
    const prefix = at.replace(/\/+$/, "");
    const listed = await git(folder, "ls-tree", "--full-tree", "-z", `${commit}:${prefix}`);
    const names = listed.split("\0").flatMap((line) => {
      const [, mode = "", hash = "", name = ""] = /^(\d+) blob ([0-9a-f]+)\t(.*)$/s.exec(line) ?? [];
      const counts = mode.startsWith("100") && /\.ya?ml$/.test(name) && !name.startsWith(".");
      return counts ? [{ name, hash }] : [];
    });
    const sources: PolicySource[] = [];
    for (const { name, hash } of names.sort((a, b) => (a.name < b.name ? -1 : 1)))
      sources.push({ path: `${where}/${name}`, text: await git(folder, "cat-file", "blob", hash) });
    return sources;
  } catch (error) {
    const { stderr, message } = error as Error & { readonly stderr?: string };
    const said = stderr === undefined ? message : stderr.trim() || "git knows no such revision";
    const reason = said.split("\n")[0]?.replace(/\.$/, "");
    throw new CommandError(
      exits.noInput,
      `${where} is neither a file or folder nor a git revision of ${folder}: ${reason}.`,
      "Name a folder of policies, a file, or a revision such as HEAD~1.",
    );
  }
}

/** The files of cases: those named, or all in `tests` beside the policies. */
export async function readTests({ folder }: PolicyWorld, named: readonly string[]): Promise<readonly PolicySource[]> {
  const places = named.length > 0 ? named : [join(folder, "tests")];
  const files: PolicySource[] = [];
  for (const place of places) {
    if (!existsSync(place))
      throw new CommandError(
        exits.noInput,
        `There are no cases at ${place}.`,
        "docs/policy.md tells how to write them.",
      );
    try {
      if (statSync(place).isDirectory()) files.push(...(await createPolicyFolder(place).read()));
      else files.push({ path: place, text: readFileSync(place, "utf8") });
    } catch (error) {
      throw new CommandError(exits.noInput, `${basename(place)} cannot be read: ${(error as Error).message}`);
    }
  }
  if (files.length === 0) throw new CommandError(exits.noInput, `There is no file of cases in ${places.join(", ")}.`);
  return files;
}
