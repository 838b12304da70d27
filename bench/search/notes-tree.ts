import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Language, languages } from "./languages.ts";
import { below, createRandom, pick, type Random } from "./random.ts";

export interface Note {
  readonly path: string;
  readonly title: string;
  /** Each about 1.2 KB, with a heading of its own; the file is all of them, one behind the other. */
  readonly passages: readonly string[];
  /** What it is about, more than other notes. */
  readonly topics: readonly string[];
  readonly language: Language;
}

export interface Tree {
  readonly files: number;
  readonly bytes: number;
  readonly passages: number;
  /** What someone might ask: two to eight words out of one passage each, frequent ones and rare ones. */
  readonly queries: readonly string[];
}

/** How long files are, in passages: most are short, a few as long as books. */
const lengths: readonly { readonly until: number; readonly least: number; readonly most: number }[] = [
  { until: 0.6, least: 1, most: 3 },
  { until: 0.9, least: 4, most: 12 },
  { until: 0.99, least: 13, most: 60 },
  { until: 1, least: 61, most: 400 },
];

const passageBytes = 1_200;
/** Of the words of a note, this share is of its topics. */
const topical = 0.12;

/** Notes in Markdown with so many passages altogether; the same ones for the same seed. */
export function* makeNotes(seed: number, passages: number): Generator<Note> {
  const random = createRandom(seed);
  let left = passages;
  for (let number = 0; left > 0; number++) {
    const share = random();
    const { least, most } = lengths.find(({ until }) => share < until) ?? { least: 1, most: 1 };
    const count = Math.min(left, least + below(random, most - least + 1));
    left -= count;
    const chosen = random();
    const language = languages.find(({ until }) => chosen < until)?.language ?? languages[0]?.language;
    if (!language) throw new Error("There is no language.");
    const topics = Array.from({ length: 6 + Math.min(40, count) }, () => language.rare(random));
    const write = createWriter(random, language, topics);
    const title = write.title();
    yield {
      path: `${language.name}/${Math.floor(number / 100)}/${number}.md`,
      title,
      passages: Array.from({ length: count }, (_, place) => write.passage(place === 0 ? `# ${title}` : "")),
      topics,
      language,
    };
  }
}

function createWriter(random: Random, language: Language, topics: readonly string[]) {
  const { space, stop } = language;
  const word = (): string => (random() < topical ? pick(random, topics) : language.word(random));
  const words = (least: number, most: number): string =>
    Array.from({ length: least + below(random, most - least + 1) }, word).join(space);
  const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
  const sentence = (): string => capital(words(6, 20)) + stop;
  const items = (): string => Array.from({ length: 3 + below(random, 4) }, () => `- ${words(3, 9)}`).join("\n");
  const code = (): string => {
    const [name, other] = [language.rare(random), pick(random, topics)].map(
      (each) => each.replace(/\W/g, "") || "value",
    );
    return `\`\`\`ts\nconst ${name} = await read${capital(other ?? "")}(${below(random, 1_000)});\nif (!${name}) return;\n\`\`\``;
  };
  const block = (): string => {
    const kind = random();
    if (kind < 0.08) return code();
    if (kind < 0.22) return items();
    return Array.from({ length: 2 + below(random, 4) }, sentence).join(space || "");
  };
  return {
    title: () => capital(words(2, 5)),
    passage(above: string): string {
      const blocks = [...(above === "" ? [] : [above]), `## ${capital(words(1, 4))}`];
      const wanted = passageBytes * (0.5 + 0.65 * random());
      for (let bytes = 0; bytes < wanted; bytes += Buffer.byteLength(blocks.at(-1) ?? "") + 2) blocks.push(block());
      return `${blocks.join("\n\n")}\n\n`;
    },
  };
}

/** Two to eight words of a passage, in its order. */
function makeQuery(random: Random, passage: string, { space }: Language): string {
  const said = passage.match(space === "" ? /\p{Script=Han}{1,2}/gu : /\p{L}{1,40}/gu) ?? [];
  const count = 2 + below(random, 7);
  const from = below(random, Math.max(1, said.length - 3 * count));
  return said
    .slice(from, from + 3 * count)
    .filter((_, place) => place % 3 === 0)
    .join(space);
}

/** Writes the notes as files, each as it is made, and picks so many queries evenly from all of them. */
export function writeTree(folder: string, { seed = 1, passages = 1, queries = 0 }): Tree {
  const random = createRandom(seed + 1);
  const asked: string[] = [];
  const folders = new Set<string>();
  let [files, bytes, seen] = [0, 0, 0];
  for (const note of makeNotes(seed, passages)) {
    const path = join(folder, note.path);
    if (!folders.has(dirname(path))) mkdirSync(dirname(path), { recursive: true });
    folders.add(dirname(path));
    const text = note.passages.join("");
    writeFileSync(path, text);
    files++;
    bytes += Buffer.byteLength(text);
    for (const passage of note.passages)
      if (Math.floor((seen++ * queries) / passages) < Math.floor((seen * queries) / passages))
        asked.push(makeQuery(random, passage, note.language));
  }
  return { files, bytes, passages: seen, queries: asked };
}
