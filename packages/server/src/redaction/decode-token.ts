/** A token that holds a text in another writing: the text, and whether it is binary (then only exact rules apply). */
export interface Decoded {
  readonly text: string;
  readonly binary: boolean;
}

const sextets = new Int8Array(128).fill(-1);
"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".split("").forEach((c, at) => {
  sextets[c.charCodeAt(0)] = at;
});
sextets[45] = 62;
sextets[95] = 63;

/** Whether the first groups of a base64 text decode to ASCII: refuses nearly every word and identifier at once. */
function beginsAsText(token: string): boolean {
  for (let at = 0; at + 3 < token.length && at < 12; at += 4) {
    const [a, b, c, d] = [0, 1, 2, 3].map((n) => sextets[token.charCodeAt(at + n)] ?? -1) as [
      number,
      number,
      number,
      number,
    ];
    if ((a | b | c | d) < 0) return false;
    if (a >= 32 || b & 8 || c & 2) return false;
  }
  return true;
}

const printable = (text: string): number => {
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if ((code >= 32 && code < 127) || code === 10 || code === 13 || code === 9 || code === 0) count++;
  }
  return count;
};

const hexOnly = /^(?:[0-9a-f]{2})+$/i;
const longToken = 64;
const leastMixed = 24;
const mixed = /^(?=[^a-z]*[a-z])(?=[^A-Z]*[A-Z])(?=[^0-9]*[0-9])/;

/** Reads a token as hex, then as base64 (either alphabet); undefined when it holds no text. */
export function decodeToken(token: string): Decoded | undefined {
  if (token.length % 2 === 0 && hexOnly.test(token)) {
    const text = Buffer.from(token, "hex").toString("latin1");
    if (printable(text) >= text.length * 0.9) return { text, binary: false };
  }
  const asText = beginsAsText(token);
  if (!asText && (token.length < leastMixed || !mixed.test(token))) return undefined;
  const bytes = Buffer.from(token, "base64");
  const text = bytes.toString("latin1");
  const read = printable(text);
  if (read >= text.length * 0.85) return { text: bytes.toString("utf8"), binary: false };
  return token.length < longToken && read < text.length * 0.7 ? undefined : { text, binary: true };
}
