/**
 * A text that others wrote, on one line: what a terminal or browser would obey, hide or turn around (control characters, bidirectional marks, invisible ones, odd spaces)
 * is written as its code point.
 */
export const plain = (text: string): string =>
  text.replace(
    hidden,
    (character) => `<U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}>`,
  );

/** What is not seen, or not as what it is: by category, the characters that are blank without being spaces, and variation selectors. */
const hidden = new RegExp(
  [
    "[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Co}\\p{Cn}\\p{Zl}\\p{Zp}]",
    "(?! )\\p{Zs}",
    "[\\p{Default_Ignorable_Code_Point}\\p{Variation_Selector}\\u2800]",
  ].join("|"),
  "gu",
);
