/** The address of OpenAI's own API. */
export const openAiUrl = "https://api.openai.com/v1";

/**
 * An API's address without a slash at the end. The key and every query go there, so it is https, or this very machine. Throws an `Error` that
 * says what is wrong.
 */
export function readBaseUrl(text: string): string {
  const fault = (why: string): Error => new Error(`The API's address cannot be used: ${why}.`);
  if (!URL.canParse(text)) throw fault("it is no URL");
  const url = new URL(text);
  const local = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && local)) throw fault("it is not https");
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "")
    throw fault("it has more than a host and a path");
  return url.href.replace(/\/+$/, "");
}
