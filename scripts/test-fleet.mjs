// `npm run test:fleet`: installs PostgreSQL and Redis where they are missing, and tries everything that several replicas share against the real servers, each
// on loopback and in a folder of its own that is gone afterwards.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { bin, giveUp, root, run, say, setUp } from "./setup.mjs";

const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/local/bin", "/usr/bin"];
const postgres = [15, 16, 17, 18].map((version) => `/usr/lib/postgresql/${version}/bin`);
const has = (name) => [...folders, ...postgres].some((folder) => existsSync(join(folder, name)));

/** Installs a package of Debian's; whoever is not root is told what to do instead. */
function install(name, program) {
  if (has(program)) return;
  const command = `apt-get install -y --no-install-recommends ${name}`;
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get"))
    giveUp(`There is no ${program} on this machine. Install it and run this again: ${command}`);
  say(`Installing ${name} …`);
  // Nothing of it is to run beside what the tests start themselves.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  const apt = (...args) => spawnSync("apt-get", args, { stdio: ["ignore", "ignore", 2], env }).status;
  if (apt("install", "-y", "--no-install-recommends", name) === 0) return;
  if (apt("update") !== 0 || apt("install", "-y", "--no-install-recommends", name) !== 0)
    giveUp(`${name} could not be installed: ${command}`);
}

await setUp();
install("redis-server", "redis-server");
install("postgresql", "initdb");
process.exit(
  await run(
    bin("vitest"),
    ["run", "test/conformance/stores", "test/e2e/fleet", "packages/server/src/shared", ...process.argv.slice(2)],
    { cwd: root },
  ),
);
