// How well the product's `search` finds, beside its peers on the same documents: `node bench/search/quality.ts [--collection NAME] [--from FOLDER | --seeded] [--queries-out FILE] [--bare] [--no-peers]`.
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { machine, table } from "../measure.ts";
import aims from "./aims.json" with { type: "json" };
import { type Collection, listCollections, pathOf, readCollection, toFile, writeFiles } from "./collection.ts";
import { rankByPeers } from "./peers/rank.ts";
import { judge, mean, type Score } from "./score.ts";
import { seededCollections } from "./seeded-collection.ts";
import { type Found, launch } from "./server.ts";
import { placeAnswers, type SpanShares, shown, toShares } from "./spans.ts";

const { values } = parseArgs({
  options: {
    collection: { type: "string", multiple: true },
    from: { type: "string" },
    seeded: { type: "boolean", default: false },
    "queries-out": { type: "string" },
    bare: { type: "boolean", default: false },
    "no-peers": { type: "boolean", default: false },
  },
});
const { bare } = values;
const beside = resolve(import.meta.dirname, "..", "..", "..", "shared", "data", "search");
const named = values.from ?? process.env.PORTCULLIS_BENCH_COLLECTIONS;
const from = values.seeded ? undefined : (named ?? (existsSync(beside) ? beside : undefined));
if (from !== undefined && !existsSync(from)) giveUp(`There is no folder ${from}.`);
const seeded = seededCollections();
const read = (name: string): Collection | undefined =>
  from === undefined
    ? seeded.find((collection) => collection.name === name)
    : existsSync(join(from, name))
      ? readCollection(join(from, name))
      : undefined;
const all = from === undefined ? seeded.map(({ name }) => name) : listCollections(from);
const wanted = values.collection ?? all;
if (all.length === 0) giveUp(`${from} holds no collection; README.md tells what one is.`);
for (const name of wanted) if (!all.includes(name)) giveUp(`There is no ${name} among ${all.join(", ")}.`);

const perQuery: object[] = [];
const rows: string[][] = [];
const figure = (value: number | undefined): string => (value === undefined ? "" : value.toFixed(3));
const names = ["grep", "FTS5 OR", "FTS5 AND", "MiniSearch"] as const;

for (const name of wanted) {
  const collection = read(name);
  if (!collection) continue;
  const { own, spans, peers, seconds } = await run(collection);
  const aim: { ndcg?: number; span?: number } = (aims as Record<string, object>)[name] ?? {};
  const share = aim.ndcg === undefined ? "" : `${((100 * own.ndcg) / aim.ndcg).toFixed(1)} %`;
  rows.push([
    name,
    ...[own.ndcg, aim.ndcg].map(figure),
    share,
    ...[own.recall, own.mrr, ...names.map((peer) => peers[peer]?.ndcg)].map(figure),
  ]);
  const parts = [`nDCG@10 ${figure(own.ndcg)}`, aim.ndcg && `aim ${figure(aim.ndcg)} (${share})`];
  parts.push(`recall@10 ${figure(own.recall)}`, `MRR ${figure(own.mrr)}`);
  for (const peer of names) if (peers[peer]) parts.push(`${peer} ${figure(peers[peer].ndcg)}`);
  if (spans) parts.push(`paragraph whole ${figure(spans.whole)}, most ${figure(spans.most)}, aim ${figure(aim.span)}`);
  console.log(`${name}: ${parts.filter(Boolean).join("; ")}; ${seconds.toFixed(0)} s`);
}

if (values["queries-out"] !== undefined)
  writeFileSync(values["queries-out"], perQuery.map((line) => `${JSON.stringify(line)}\n`).join(""));
if (rows.length > 1) {
  console.log(
    `\nQuality of search over files, through the whole corridor; peers: nDCG@10 of the same run\n${machine()}`,
  );
  console.log(table([["", "nDCG@10", "aim", "of aim", "recall@10", "MRR", ...names], ...rows]));
}

function giveUp(why: string): never {
  console.error(why);
  process.exit(2);
}

async function run(collection: Collection): Promise<{
  own: Score;
  spans: SpanShares | undefined;
  peers: Readonly<Record<string, Score>>;
  seconds: number;
}> {
  const began = performance.now();
  const base = realpathSync(mkdtempSync(join(tmpdir(), "portcullis-quality-")));
  const [folder, data] = [join(base, "docs"), join(base, "data")];
  try {
    mkdirSync(folder);
    writeFiles(collection, folder, bare);
    const found = await searchAll(folder, data, collection);
    const ids = new Map(collection.documents.map(({ id, path }) => [path, id]));
    const judgeAll = (rankings: readonly (readonly string[])[], note?: boolean): Score =>
      mean(
        collection.queries.map((query, number) => {
          const ranking = rankings[number] ?? [];
          const score = judge(ranking, collection.relevant.get(query.id) ?? new Map());
          if (note)
            perQuery.push({ collection: collection.name, query: query.id, ...score, text: query.text, ranking });
          return score;
        }),
      );
    const own = judgeAll(
      found.map((results) => results.map(({ id }) => ids.get(pathOf(id)) ?? id)),
      true,
    );
    const rankings = values["no-peers"] ? {} : await rankByPeers(collection, folder);
    const peers = Object.fromEntries(Object.entries(rankings).map(([peer, each]) => [peer, judgeAll(each)]));
    return { own, spans: spansOf(collection, found), peers, seconds: (performance.now() - began) / 1_000 };
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

async function searchAll(folder: string, data: string, collection: Collection) {
  const server = launch(folder, data);
  try {
    await server.ask("start", {});
    const { documents } = await server.ask("status", {});
    if (documents < collection.documents.length)
      console.error(`${collection.name}: only ${documents} of ${collection.documents.length} files are searchable.`);
    return await server.ask("search", { queries: collection.queries.map(({ text }) => text), limit: 10 });
  } finally {
    await server.stop();
  }
}

/** For a collection of long files that has its twin of paragraphs beside it: `xquadlong-en` has `xquad-en`. */
function spansOf(collection: Collection, found: readonly (readonly Found[])[]): SpanShares | undefined {
  if (!collection.name.includes("long-")) return undefined;
  const twin = read(collection.name.replace("long-", "-"));
  if (!twin) return undefined;
  const files = new Map(collection.documents.map((each) => [each.id, Buffer.from(toFile(each, bare))]));
  const paths = new Map(collection.documents.map(({ id, path }) => [id, path]));
  const none = Buffer.alloc(0);
  const places = placeAnswers(collection, twin, (id) => files.get(id) ?? none);
  const shares = collection.queries.flatMap(({ id }, number) => {
    const [document = ""] = collection.relevant.get(id)?.keys() ?? [];
    const hit = found[number]?.find((each) => pathOf(each.id) === paths.get(document));
    const place = places.get(id);
    return hit && place ? [shown(place, hit, files.get(document) ?? none)] : [];
  });
  return toShares(shares);
}
