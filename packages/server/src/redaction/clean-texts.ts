/** Texts that were found clean: keys, names, and what is read again and again cost one look-up then. */
export interface CleanTexts {
  has(text: string): boolean;
  add(text: string): void;
}

/** Longer texts are seldom met twice, and would cost more to keep than to read. */
const longest = 1_024;
/** The most characters of one generation. */
const mostCharacters = 1_048_576;

/** Keeps what was met in the last two generations; whether a text is clean hangs on nothing but the text, so nothing here can go stale. */
export function createCleanTexts(): CleanTexts {
  let young = new Set<string>();
  let old = new Set<string>();
  let characters = 0;
  const add = (text: string): void => {
    if (text.length > longest) return;
    characters += text.length + 64;
    if (characters > mostCharacters) {
      old = young;
      young = new Set();
      characters = text.length + 64;
    }
    young.add(text);
  };
  return {
    add,
    has(text) {
      if (text.length > longest) return false;
      if (young.has(text)) return true;
      if (!old.has(text)) return false;
      add(text);
      return true;
    },
  };
}
