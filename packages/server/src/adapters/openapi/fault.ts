/** What is wrong with an API's document, where in it, and what its owner can do. The message is a sentence for that owner. */
export class DocumentFault extends Error {
  constructor(place: string, what: string, next: string) {
    super(`${place === "" ? "The document" : `At ${place.slice(0, 300)} the document`} ${what}. ${next}`);
    this.name = "DocumentFault";
  }
}

const escapeStep = (step: string): string => step.replaceAll("~", "~0").replaceAll("/", "~1");

/** A place in a document, as a JSON pointer: `#/paths/~1v1~1files/get`. */
export const toPlace = (...steps: readonly (string | number)[]): string =>
  ["#", ...steps.map((step) => escapeStep(String(step)))].join("/");
