/** The package comes without types. Each list is the words of one language, by its ISO 639-3 code. */
declare module "stopword" {
  type Words = readonly string[];
  export const ara: Words,
    bul: Words,
    ces: Words,
    dan: Words,
    deu: Words,
    ell: Words,
    eng: Words,
    fas: Words,
    fin: Words;
  export const fra: Words,
    heb: Words,
    hin: Words,
    hun: Words,
    hye: Words,
    ind: Words,
    ita: Words,
    nld: Words,
    nob: Words;
  export const pol: Words,
    por: Words,
    ron: Words,
    rus: Words,
    slk: Words,
    slv: Words,
    spa: Words,
    swe: Words,
    tha: Words;
  export const tur: Words, ukr: Words, vie: Words;
}
