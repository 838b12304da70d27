import type { RE2JS } from "re2js";

/** How often each byte may be read, on average, while all matches are found. A square pattern reads it thousands of times. */
const mostReads = 40;
const length = 2_400;

class TooManyReads extends Error {}

/**
 * RE2 is linear for one match and not for all of them: `a.*?b|a` reads to the text's end for each `a`. So a pattern is tried on texts made
 * of its own characters, and its reads are counted: a count, unlike a time, is the same on a busy machine.
 */
export function readsTooOften(pattern: string, matcher: RE2JS): boolean {
  return pumps(pattern).some((pump) => isReadTooOften(matcher, pump.repeat(Math.ceil(length / pump.length))));
}

function isReadTooOften(matcher: RE2JS, text: string): boolean {
  const bytes = Array.from(new TextEncoder().encode(text));
  let left = bytes.length * mostReads;
  const counted = new Proxy(bytes, {
    get(target, key) {
      if (--left < 0) throw new TooManyReads();
      return Reflect.get(target, key);
    },
  });
  try {
    const found = matcher.matcher(counted);
    while (found.find());
    return false;
  } catch (error) {
    if (error instanceof TooManyReads) return true;
    throw error;
  }
}

/** Texts that a pattern may stumble over: its characters, its words, what its classes take. */
function pumps(pattern: string): readonly string[] {
  const literal = pattern.replace(/\\[A-Za-z]|\(\?[a-zA-Z]*[:)]|[\\^$.|?*+()[\]{}]/g, "");
  const characters = [...new Set(literal)].slice(0, 16);
  const words = (literal.match(/[\w-]{2,}/g) ?? []).slice(0, 6);
  const common = ["a", "A", "0", " ", "\n", "a ", "a0", "a=", "a:", "a,", '"a"', "ab"];
  return [...new Set([...characters, ...words, ...words.map((word) => `${word} `), ...common])];
}
