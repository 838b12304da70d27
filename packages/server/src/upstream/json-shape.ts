/** How deep a stranger's JSON may be nested, and how many values it may hold: what is within is read in a few milliseconds, and by recursion. */
const deepest = 64;
const mostValues = 50_000;

const [quote, backslash, comma] = [0x22, 0x5c, 0x2c];
const [openList, closeList, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d];

/** What is wrong with the shape of a JSON text, before anything is made of it; undefined when it may be parsed. */
export function shapeFault(text: string): string | undefined {
  let depth = 0;
  let values = 1;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case quote:
        at = endOfString(text, at);
        if (at < 0) return "is not whole";
        break;
      case openList:
      case openObject:
        values++;
        if (++depth > deepest) return `is nested more than ${deepest} deep`;
        break;
      case closeList:
      case closeObject:
        depth--;
        break;
      case comma:
        if (++values > mostValues) return `holds more than ${mostValues} values`;
        break;
    }
  }
  return undefined;
}

/** Where a string ends that begins at a quote; -1 when it does not. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let slashes = 0;
    while (text.charCodeAt(at - 1 - slashes) === backslash) slashes++;
    if (slashes % 2 === 0) return at;
  }
  return -1;
}
