// `node make-example-history.mjs SOURCE TARGET`: copies the example vault and gives the copy a git history, the same one each time. It does
// nothing where the target has a history already, and changes no file that is there.
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";

const mira = "Mira Holt <mira@larkfield.example>";
const tobias = "Tobias Holt <tobias@larkfield.example>";
const ines = "Ines Albrecht <ines@allotment.example>";

/**
 * The story, oldest first. `add` names files and folders; the last commit takes all that is left. `until` gives a file up to a line that
 * begins so, as it was before it was finished.
 */
const commits = [
  {
    by: mira,
    at: "2026-02-08T20:15:00+01:00",
    message: "Start the vault",
    add: [
      "README.md",
      ".gitignore",
      ".portcullisignore",
      "journal/2026/2026-02-08.md",
      "notes/reading-list.md",
      "people",
      "notes/2026-in-goals.md",
    ],
    until: { "README.md": "## Habits", "notes/2026-in-goals.md": "Reviewed in April" },
  },
  {
    by: mira,
    at: "2026-02-21T21:40:00+01:00",
    message: "Greenhouse: what the controller should do, and the first cold night",
    add: [
      "projects/greenhouse/greenhouse-controller.md",
      "notes/sensor-calibration.md",
      "journal/2026/2026-02-21.md",
      "recipes/leek-and-barley-soup.md",
    ],
    until: { "projects/greenhouse/greenhouse-controller.md": "## Costs so far" },
  },
  {
    by: mira,
    at: "2026-03-01T16:05:00+01:00",
    message: "Greenhouse: rules without clock or network, with tests",
    add: [
      "projects/greenhouse/src",
      "projects/greenhouse/test",
      "projects/greenhouse/package.json",
      "projects/greenhouse/.env",
    ],
  },
  {
    by: mira,
    at: "2026-03-14T22:30:00+01:00",
    message: "Write down the failed release before it becomes a funny story",
    add: ["meetings/2026-03-12-release-retrospective.md", "notes/deploy-checklist.md", "journal/2026/2026-03-14.md"],
    until: { "notes/deploy-checklist.md": "## Access, to be moved" },
  },
  {
    by: tobias,
    at: "2026-04-12T18:20:00+02:00",
    message: "Bike shed: log of rides and a script that adds them up",
    add: ["projects/bike-shed"],
    until: { "projects/bike-shed/rides.txt": "2026-05-03" },
  },
  {
    by: mira,
    at: "2026-04-28T22:10:00+02:00",
    message: "Allotment meeting, tomato varieties, April review of the goals",
    add: [
      "meetings/2026-04-28-allotment-society.md",
      "notes/tomato-varieties.md",
      "notes/2026-in-goals.md",
      "journal/2026/2026-04-19.md",
    ],
  },
  {
    by: ines,
    at: "2026-05-09T19:45:00+02:00",
    message: "The quick reference of the pump, so that nobody has to ask me",
    add: ["attachments", "journal/2026/2026-05-09.md", "recipes/rhubarb-cake.md"],
  },
  {
    by: mira,
    at: "2026-06-02T20:50:00+02:00",
    message: "Postgres notes, checklist with access until Sunday, ride log",
    add: [
      "notes/postgres-notes.md",
      "notes/deploy-checklist.md",
      "journal/2026/2026-06-02.md",
      "projects/bike-shed/rides.txt",
      "snippets",
    ],
  },
  {
    by: mira,
    at: "2026-06-14T11:00:00+02:00",
    message: "Tidy up: habits, costs, planning, what was still lying around",
    add: ["."],
  },
];

const [source, target] = process.argv.slice(2).map((path) => resolve(path));
if (!source || !target || !existsSync(source)) {
  process.stderr.write("Usage: node make-example-history.mjs SOURCE TARGET\n");
  process.exit(2);
}
if (!existsSync(join(target, ".git"))) make();

function make() {
  // Built beside and moved in one step: an interrupted run leaves nothing that looks finished.
  const making = `${target}.making-${process.pid}`;
  rmSync(making, { recursive: true, force: true });
  mkdirSync(making, { recursive: true });
  try {
    const told = hasGit() ? tellStory(making) : copy(making, ["."], {});
    if (!existsSync(target)) renameSync(making, target);
    else if (existsSync(join(making, ".git"))) renameSync(join(making, ".git"), join(target, ".git"));
    process.stdout.write(
      told > 0
        ? `Made ${target} with ${told} commits.\n`
        : `Made ${target} without a history, since there is no git here.\n`,
    );
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}

function tellStory(folder) {
  git(folder, ["init", "--quiet", "--initial-branch=main"]);
  for (const { by, at, message, add, until = {} } of commits) {
    copy(folder, add, until);
    git(folder, ["add", "--all", "--force", "--", "."]);
    const [, name, email] = /^(.*) <(.*)>$/.exec(by) ?? [];
    git(folder, ["commit", "--quiet", "--no-verify", `--message=${message}`], {
      GIT_AUTHOR_NAME: name,
      GIT_AUTHOR_EMAIL: email,
      GIT_AUTHOR_DATE: at,
      GIT_COMMITTER_NAME: name,
      GIT_COMMITTER_EMAIL: email,
      GIT_COMMITTER_DATE: at,
    });
  }
  return commits.length;
}

/** Copies what is named; a file under `until` only up to its line. */
function copy(folder, names, until) {
  for (const file of names.flatMap((name) => filesOf(name === "." ? "" : name))) {
    const to = join(folder, file);
    mkdirSync(dirname(to), { recursive: true });
    const stop = until[file];
    if (stop === undefined) copyFileSync(join(source, file), to);
    else {
      const text = readFileSync(join(source, file), "utf8");
      const end = text.indexOf(`\n${stop}`);
      if (end < 0) throw new Error(`${file} has no line that begins with ${stop}`);
      writeFileSync(to, `${text.slice(0, end).trimEnd()}\n`);
    }
  }
  return 0;
}

function filesOf(name) {
  const entries = (() => {
    try {
      return readdirSync(join(source, name), { withFileTypes: true });
    } catch (error) {
      if (error.code === "ENOTDIR") return undefined;
      throw error;
    }
  })();
  if (!entries) return [name];
  return entries
    .filter((entry) => entry.name !== ".git" && (entry.isDirectory() || entry.isFile()))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => filesOf(name === "" ? entry.name : `${name}/${entry.name}`));
}

function hasGit() {
  return spawnSync("git", ["--version"]).status === 0;
}

function git(cwd, args, env = {}) {
  // Neither the user's configuration nor a hook that runs this may have a part in it.
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("GIT_")));
  const settings = ["core.hooksPath=/dev/null", "core.autocrlf=false", "core.fileMode=false", "commit.gpgSign=false"];
  const { status, stderr } = spawnSync("git", [...settings.flatMap((setting) => ["-c", setting]), ...args], {
    cwd,
    env: { ...clean, GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null", ...env },
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`git ${args[0]}: ${stderr}`);
}
