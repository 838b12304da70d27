import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where the names of the namespace are looked up. */
export const nameServer = "127.0.0.53";

/**
 * Runs this program again in a network namespace of its own in which every address of IPv4 and IPv6 is this machine's, and names are asked of
 * `nameServer`. Inside it returns; outside it never does but where the system gives no namespace: then it says why not.
 */
export function enterNamespace(file: string): string | undefined {
  if (process.env.PORTCULLIS_NAMESPACE === "1") {
    prepare();
    return undefined;
  }
  const again = [process.execPath, ...process.execArgv, file, ...process.argv.slice(2)];
  const probe = spawnSync("unshare", ["-Urnm", "ip", "link", "set", "lo", "up"], { encoding: "utf8" });
  if (probe.status !== 0)
    return `This system gives us no network namespace (unshare -Urnm with ip): ${(probe.stderr ?? String(probe.error)).trim()}`;
  const { status } = spawnSync("unshare", ["-Urnm", ...again], {
    stdio: "inherit",
    env: { ...process.env, PORTCULLIS_NAMESPACE: "1" },
  });
  process.exit(status ?? 1);
}

function prepare(): void {
  const run = (command: string, ...args: readonly string[]): void => {
    execFileSync(command, args, { stdio: ["ignore", "ignore", "inherit"] });
  };
  run("ip", "link", "set", "lo", "up");
  run("ip", "route", "add", "local", "0.0.0.0/0", "dev", "lo");
  run("ip", "-6", "route", "add", "local", "::/0", "dev", "lo");
  const folder = mkdtempSync(join(tmpdir(), "portcullis-namespace-"));
  for (const [name, text] of [
    ["resolv.conf", `nameserver ${nameServer}\noptions timeout:1 attempts:1\n`],
    ["nsswitch.conf", "hosts: files dns\n"],
  ] as const) {
    writeFileSync(join(folder, name), text);
    run("mount", "--bind", join(folder, name), `/etc/${name}`);
  }
}
