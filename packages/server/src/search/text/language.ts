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
import { eld } from "eld/extrasmall";
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

export const stemmerOf = (language: Language): Stemmer => languages[language]?.stem ?? unchanged;

/** The words that stand in every text of a language, in lower case. */
export const stopWordsOf = (language: Language): readonly string[] => languages[language]?.stop ?? [];

/** How much of a text its language is told by, in UTF-16 units. */
const sample = 1_500;

/** The language of a text by its beginning; in a short one it is a guess. */
export function languageOf(text: string): Language {
  const { language } = eld.detect(text.length > sample ? text.slice(0, sample) : text);
  return language;
}

/** How well a short text fits each of some languages, the best first, all within the best's reach; empty when it fits none. */
export function guessLanguages(text: string, among: ReadonlySet<Language>): readonly Language[] {
  const scores = Object.entries(eld.detect(text.slice(0, sample)).getScores()).filter(([language]) =>
    among.has(language),
  );
  const best = Math.max(0, ...scores.map(([, score]) => score));
  return scores
    .filter(([, score]) => score >= best * 0.8)
    .sort(([, a], [, b]) => b - a)
    .map(([language]) => language);
}
