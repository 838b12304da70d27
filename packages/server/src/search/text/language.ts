import { stemmer as arabic } from "@orama/stemmers/arabic";
import { stemmer as armenian } from "@orama/stemmers/armenian";
import { stemmer as bulgarian } from "@orama/stemmers/bulgarian";
import { stemmer as danish } from "@orama/stemmers/danish";
import { stemmer as dutch } from "@orama/stemmers/dutch";
import { stemmer as english } from "@orama/stemmers/english";
import { stemmer as finnish } from "@orama/stemmers/finnish";
import { stemmer as french } from "@orama/stemmers/french";
import { stemmer as german } from "@orama/stemmers/german";
import { stemmer as greek } from "@orama/stemmers/greek";
import { stemmer as hungarian } from "@orama/stemmers/hungarian";
import { stemmer as hindi } from "@orama/stemmers/indian";
import { stemmer as italian } from "@orama/stemmers/italian";
import { stemmer as norwegian } from "@orama/stemmers/norwegian";
import { stemmer as portuguese } from "@orama/stemmers/portuguese";
import { stemmer as romanian } from "@orama/stemmers/romanian";
import { stemmer as russian } from "@orama/stemmers/russian";
import { stemmer as serbian } from "@orama/stemmers/serbian";
import { stemmer as spanish } from "@orama/stemmers/spanish";
import { stemmer as swedish } from "@orama/stemmers/swedish";
import { stemmer as tamil } from "@orama/stemmers/tamil";
import { stemmer as turkish } from "@orama/stemmers/turkish";
import { stemmer as ukrainian } from "@orama/stemmers/ukrainian";
import * as stopWords from "stopword";

/** ISO 639-1, or empty when it cannot be told. */
export type Language = string;

/** Takes the ending off a lower-case word. */
export type Stemmer = (word: string) => string;

interface Known {
  readonly stem?: Stemmer;
  readonly stop: readonly string[];
}

const { ara, bul, ces, dan, deu, ell, eng, fas, fin, fra, heb, hin, hun, hye, ind, ita, nld, nob, pol, por } =
  stopWords;
const { ron, rus, slk, slv, spa, swe, tha, tur, ukr, vie } = stopWords;

/** What English questions are made of beside its commonest words. */
const asking =
  "does did doing done done's what's who whom whose why would could shall may please tell me us there's isn't don't s t re ve ll don";

const languages: Readonly<Record<Language, Known>> = {
  ar: { stem: arabic, stop: ara },
  bg: { stem: bulgarian, stop: bul },
  cs: { stop: ces },
  da: { stem: danish, stop: dan },
  de: { stem: german, stop: deu },
  el: { stem: greek, stop: ell },
  en: { stem: english, stop: [...eng, ...asking.split(" ")] },
  es: { stem: spanish, stop: spa },
  fa: { stop: fas },
  fi: { stem: finnish, stop: fin },
  fr: { stem: french, stop: fra },
  he: { stop: heb },
  hi: { stem: hindi, stop: hin },
  hu: { stem: hungarian, stop: hun },
  hy: { stem: armenian, stop: hye },
  id: { stop: ind },
  it: { stem: italian, stop: ita },
  nl: { stem: dutch, stop: nld },
  no: { stem: norwegian, stop: nob },
  pl: { stop: pol },
  pt: { stem: portuguese, stop: por },
  ro: { stem: romanian, stop: ron },
  ru: { stem: russian, stop: rus },
  sk: { stop: slk },
  sl: { stop: slv },
  sr: { stem: serbian, stop: [] },
  sv: { stem: swedish, stop: swe },
  ta: { stem: tamil, stop: [] },
  th: { stop: tha },
  tr: { stem: turkish, stop: tur },
  uk: { stem: ukrainian, stop: ukr },
  vi: { stop: vie },
};

const unchanged: Stemmer = (word) => word;

/** A word on which a stemmer stumbles stays as it is: Bulgarian's throws where it would turn one vowel into another. */
const steady =
  (stem: Stemmer): Stemmer =>
  (word) => {
    try {
      return stem(word);
    } catch {
      return word;
    }
  };

const stemmers = new Map(Object.entries(languages).map(([language, { stem }]) => [language, stem && steady(stem)]));

export const stemmerOf = (language: Language): Stemmer => stemmers.get(language) ?? unchanged;

/** The languages whose words lose their endings. */
export const stemmedLanguages = [...stemmers].flatMap(([language, stem]) => (stem ? [language] : []));

/** The words that stand in every text of a language, in lower case. */
export const stopWordsOf = (language: Language): readonly string[] => languages[language]?.stop ?? [];

/** How much of a text its language is told by, in UTF-16 units. */
const sample = 1_200;
const letters = /\p{L}[\p{L}\p{M}'’]*/gu;

/** Scripts that one language is written in, as far as its words are treated differently from others'. */
const scripts: readonly (readonly [RegExp, Language])[] = [
  [/[\p{sc=Hira}\p{sc=Kana}]/gu, "ja"],
  [/\p{sc=Han}/gu, "zh"],
  [/\p{sc=Hang}/gu, "ko"],
  [/\p{sc=Thai}/gu, "th"],
  [/\p{sc=Taml}/gu, "ta"],
  [/\p{sc=Deva}/gu, "hi"],
  [/\p{sc=Grek}/gu, "el"],
  [/\p{sc=Hebr}/gu, "he"],
  [/\p{sc=Armn}/gu, "hy"],
];

/** Of each commonest word the languages that have it: the fewer, the more it tells. */
const byWord = new Map<string, Language[]>();
for (const [language, { stop }] of Object.entries(languages)) {
  for (const word of new Set(stop)) {
    const known = byWord.get(word);
    if (known) known.push(language);
    else byWord.set(word, [language]);
  }
}

/**
 * The language of a text by its beginning: by its script, or else by the commonest words of languages. A text in plain Latin letters that has none of these
 * is taken for English, which short notes and names in programs mostly are.
 */
export function languageOf(text: string): Language {
  const head = text.length > sample ? text.slice(0, sample) : text;
  const words = head.toLowerCase().match(letters) ?? [];
  const own = byScript(words.join(""));
  if (own !== undefined) return own;
  const [best] = byCommonWords(words);
  const plain = words.length > 0 && words.every((word) => /^[a-z'’]+$/.test(word));
  if (best && (best.score >= 1 || !plain)) return best.language;
  return plain ? "en" : "";
}

/** A script counts with a third of the letters: names and programs in a text are in Latin ones. */
const byScript = (text: string): Language | undefined =>
  text === "" ? undefined : scripts.find(([script]) => (text.match(script)?.length ?? 0) * 3 >= text.length)?.[1];

/** The languages that a short text may be in, the likeliest first; of those that are as likely, any. Empty when none is likelier than the others. */
export const guessLanguages = (text: string, among: ReadonlySet<Language>): readonly Language[] =>
  byCommonWords(text.toLowerCase().match(letters) ?? [], among).map(({ language }) => language);

function byCommonWords(
  words: readonly string[],
  among?: ReadonlySet<Language>,
): readonly { readonly language: Language; readonly score: number }[] {
  const scores = new Map<Language, number>();
  for (const word of words) {
    const all = byWord.get(word);
    if (!all) continue;
    const those = among ? all.filter((language) => among.has(language)) : all;
    for (const language of those) scores.set(language, (scores.get(language) ?? 0) + 1 / those.length);
  }
  return [...scores].map(([language, score]) => ({ language, score })).sort((a, b) => b.score - a.score);
}
