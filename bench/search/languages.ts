import { below, createRandom, pick, type Random } from "./random.ts";

/** A language as it looks to a search engine: which words there are, and how often each is said. */
export interface Language {
  readonly name: string;
  /** Stands between words; empty in Chinese. */
  readonly space: string;
  readonly stop: string;
  /** A word by its natural frequency. */
  word(random: Random): string;
  /** A word that only some texts are about. */
  rare(random: Random): string;
}

const size = 40_000;
const list = (words: string): readonly string[] => words.split(" ");

/** The cumulated frequencies of words by rank (Zipf's law, as Mandelbrot put it). */
const cumulated = ((): Float64Array => {
  const sums = new Float64Array(size);
  let sum = 0;
  for (let rank = 0; rank < size; rank++) {
    sum += 1 / (rank + 2.7) ** 1.05;
    sums[rank] = sum;
  }
  return sums.map((value) => value / sum);
})();

/** The rank below which a share of all that is said lies, for each thousandth of it. */
const starts = Array.from({ length: 1_001 }, (_, part) =>
  cumulated.findIndex((value) => value >= Math.min(part / 1_000, 1)),
);

function rankOf(random: Random): number {
  const share = random();
  const part = Math.floor(share * 1_000);
  let [low, high] = [starts[part] ?? 0, starts[part + 1] ?? size - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((cumulated[middle] ?? 1) < share) low = middle + 1;
    else high = middle;
  }
  return low;
}

interface Sounds {
  readonly common: string;
  readonly begins: string;
  readonly vowels: string;
  readonly ends: string;
}

/** A language whose most frequent words are real ones, and whose others are made of its syllables. */
function createLanguage(name: string, seed: number, { common, begins, vowels, ends }: Sounds): Language {
  const random = createRandom(seed);
  const [first, middle, last] = [list(begins), list(vowels), list(ends)];
  const words = new Set(list(common));
  while (words.size < size) {
    const syllables = 1 + below(random, words.size < 4_000 ? 2 : 3);
    let word = "";
    for (let made = 0; made < syllables; made++) word += pick(random, first) + pick(random, middle);
    words.add(random() < 0.6 ? word + pick(random, last) : word);
  }
  return toLanguage(name, [...words], { space: " ", stop: "." });
}

function createChinese(name: string, seed: number): Language {
  const random = createRandom(seed);
  const words = new Set(list("的 是 在 了 和 有 我 他 这 不 人 们 中 来 上 个 到 说 也 就 年 要 会 对"));
  // Frequent characters take part in many words, as they do in the language.
  const character = (): string => String.fromCodePoint(0x4e00 + Math.floor(3_500 * random() ** 2));
  while (words.size < size) words.add(character() + (random() < 0.8 ? character() : ""));
  return toLanguage(name, [...words], { space: "", stop: "。" });
}

const toLanguage = (name: string, words: readonly string[], marks: Pick<Language, "space" | "stop">): Language => ({
  name,
  ...marks,
  word: (random) => words[rankOf(random)] ?? "",
  // Evenly over the orders of magnitude, from the two hundredth word to the last.
  rare: (random) => words[Math.floor(200 * (size / 200) ** random())] ?? "",
});

const english = createLanguage("en", 1, {
  common:
    "the of and to a in is that for it as was with be by on not he his but at are this have from or had an they which one you were all her she there would their we him been has when who will no more if out so what up said about than its into them can only other time new some could these two may first then do any like my now over such our even most me state after also made many did must before back through years where much your way well down should because each just those people too",
  begins: "b br c ch cl d dr f fl g gr h j k l m n p pl pr qu r s sh st str t th tr v w",
  vowels: "a e i o u ai ea ee ie oo ou er or ar in on en an",
  ends: "s ed ing er ly tion ment al ic ness t n d y le rs",
});
const german = createLanguage("de", 2, {
  common:
    "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat dass sie nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur bis mehr durch man sein wurde wenn können schon doch jetzt immer sehr hier dann unter wir soll ich eines Jahr zwei diese",
  begins: "b br d dr f fr g gr h k kl l m n p pf r s sch sp st str t tr v w z zw ge ver be",
  vowels: "a e i o u ä ö ü ei au ie eu er en an",
  ends: "en er e ung heit keit lich ig t st n isch chen",
});
const french = createLanguage("fr", 3, {
  common:
    "de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il sont avec ou son aux d'une cette ont ses mais comme on tout nous sa fait été aussi leur bien peut ces deux même encore entre sans être après",
  begins: "b bl c ch d f g j l m n p pr qu r s t tr v",
  vowels: "a e é è i o u ai eau oi ou an en on eu",
  ends: "er é ée tion ment s e eur ique aux ir",
});
const spanish = createLanguage("es", 4, {
  common:
    "de la que el en y a los se del las un por con no una su para es al lo como más o pero sus le ha me si sin sobre este ya entre cuando todo esta ser son dos también fue había era muy años hasta desde",
  begins: "b c ch d f g h j l ll m n p pr qu r s t tr v",
  vowels: "a e i o u á é ó ie ue an en on",
  ends: "ar er ir ado ido ción mente os as dad a o",
});
const russian = createLanguage("ru", 5, {
  common:
    "и в не на что я с он как это по но они к у же вы за бы так от все было она из мы до для его если или быть был есть этого при уже их только мне еще нет",
  begins: "б в г д ж з к л м н п р с ст т тр х ч ш пр",
  vowels: "а е и о у ы я ю ё ов ен ан",
  ends: "ть ый ая ое ов ами ость ение ик а и",
});

/** The languages with the share of texts that are in them. */
export const languages: readonly { readonly language: Language; readonly until: number }[] = [
  { language: english, until: 0.55 },
  { language: german, until: 0.72 },
  { language: french, until: 0.81 },
  { language: spanish, until: 0.9 },
  { language: russian, until: 0.95 },
  { language: createChinese("zh", 6), until: 1 },
];
