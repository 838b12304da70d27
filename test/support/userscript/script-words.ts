/** All the names that the built script may use. A new one is looked at before it is put here: could it send, press, navigate, run a text, or reach another server? */

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

export const globals = words(`
  AbortController Array Boolean ClipboardEvent DataTransfer Date Element Error GM_getValue GM_setClipboard GM_setValue JSON KeyboardEvent Math Node Number Object
  Promise Set String TextEncoder URL Uint8Array btoa clearInterval clearTimeout crypto document getComputedStyle setInterval setTimeout undefined window`);

/** What may be read of a value, or called on it. */
export const members = words(`
  TEXT_NODE abort aborted active add addEventListener all append astray at banner canParse ceil chat checked childNodes children citations cite classList clientHeight
  closest code composedPath composer contains day details digest documentElement encode end entries every exec filter find flatMap focus fromCharCode fromEntries
  getAttribute getClientRects getRandomValues getSelection going has hashes host hostname id includes indexOf input isArray isConnected isContentEditable isWhole join kept key
  last least length loading localName map matchAll matches max memory message messages min most name next nodeType nodeValue note noteWhole now ok opened origin overflowY
  padStart page parentElement parse password pathname protocol push querySelector querySelectorAll queue random reason removeAttribute removeEventListener repeat
  replace replaceAll replaceChildren responseText result results retryAfterMs role round row say scrollBy scrollHeight scroller sections seen self server
  setAttribute setData sha256 signal size slice some sort split stale start startsWith status stop stopPropagation stringify subarray subtle task tell test text
  textContent throwIfAborted title toISOString toSorted toString toggle toggleAttribute token told top trim username value values visibilityState whiteSpace whole`);

/** What its own objects hold, and the options that it hands on. */
export const keys = words(`
  & < > " Authorization Content-Type active agent anonymous args aria-controls aria-expanded aria-label aria-live astray at autocomplete banner behavior bubbles
  cancelable capture chat citations class clipboardData code composer data data-portcullis day empty end for full going has hashes headers hidden host id input inputmode isWhole
  kept key known last least limit loading maxlength memory messages method mode model most name no-composer not-taken note noteWhole onabort once onerror onload ontimeout
  opened page passive purpose query queue redirect result role row say scroller sections seen server sha256 signal spellcheck start status stop tabindex task tell
  text timeout title token told too-long trace top type url value whole`);

/** Members whose name is made at run time, each as it stands there: places in lists and in tables of the script's own. */
export const computed: ReadonlySet<string> = new Set([
  ...["fresh[at]", "fresh[at - 1]", "fresh[at + 1]", "found[0]", "name[1]", "currentWalk().queue[0]"],
  ...["load()[chat]", "current().hashes[message.id]", "all[chat]"],
  ...["ends[end]", "escapes[character]", "refusals$1[held]", "refusals[done]", 'refusals["no-composer"]'],
  '/language-([\\w+#-]{1,30})/.exec(code.getAttribute("class") ?? "")?.[1]',
  "/^(?:\\/g\\/[\\w-]+)?\\/c\\/([A-Za-z0-9][A-Za-z0-9-]{7,63})\\/?$/.exec(path)?.[1]",
  "/:(user|assistant)$/.exec(key)?.[1]",
]);

/** The elements that the panel is made of. */
export const tags = words("button div h2 h3 header input label li p section span style ul");

/** The attributes that are set; `attribute` stands for the keys of what `make` is given. */
export const attributes = words("aria-disabled aria-expanded attribute hidden");
