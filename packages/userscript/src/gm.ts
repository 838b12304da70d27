/** What the script uses of its manager (Tampermonkey, Violentmonkey): these four and nothing else. */

export interface ManagerRequest {
  readonly method: "POST";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly data: string;
  readonly timeout: number;
  /** Leaves out the cookies that the browser may have for the server. */
  readonly anonymous: true;
  readonly redirect: "error";
  onload(response: { readonly status: number; readonly responseText: string }): void;
  onerror(): void;
  ontimeout(): void;
  onabort(): void;
}

declare const GM_xmlhttpRequest: (request: ManagerRequest) => unknown;
declare const GM_getValue: (key: string, fallback: unknown) => unknown;
declare const GM_setValue: (key: string, value: unknown) => void;
declare const GM_setClipboard: (text: string, kind: "text") => void;

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** How long the server may take, in milliseconds. */
const answerMs = 30_000;

/** Sends JSON by the manager, which alone reaches this machine from that page. Rejects when nobody answers. */
export const sendJson = (url: string, body: unknown, token?: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const fail = (): void => reject(new Error("Portcullis does not answer."));
    GM_xmlhttpRequest({
      method: "POST",
      url,
      headers: {
        "Content-Type": "application/json",
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      },
      data: JSON.stringify(body),
      timeout: answerMs,
      anonymous: true,
      redirect: "error",
      onload: ({ status, responseText }) => resolve({ status, text: responseText }),
      onerror: fail,
      ontimeout: fail,
      onabort: fail,
    });
  });

/** What the script remembers, in the manager's own storage, which no page can read. */
export function remembered<T>(key: string, fallback: T, fits: (value: unknown) => value is T): T {
  const value = GM_getValue(key, fallback);
  return fits(value) ? value : fallback;
}

export const remember = (key: string, value: unknown): void => GM_setValue(key, value);

export const toClipboard = (text: string): void => GM_setClipboard(text, "text");
