/** Attributes as they stand in HTML; `text` is the element's whole text, and never anything but text. */
export type Attributes = Readonly<Record<string, string>> & { readonly text?: string };

/** Makes an element of the panel. What comes from the server or the page gets in as text alone. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  { text, ...attributes }: Attributes = {},
  ...children: readonly Node[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  if (text !== undefined) element.textContent = text;
  element.append(...children);
  return element;
}

/** A button that does one thing at a time; while it does, and where `work` fails, `told` says so. */
export function makeButton(text: string, work: () => unknown, attributes: Attributes = {}): HTMLButtonElement {
  const button = make("button", { type: "button", ...attributes, text });
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    try {
      await work();
    } finally {
      button.removeAttribute("aria-disabled");
    }
  });
  return button;
}

/** A field with its label. */
export function makeField(
  label: string,
  attributes: Attributes,
): { readonly row: HTMLElement; readonly input: HTMLInputElement } {
  const input = make("input", { autocomplete: "off", spellcheck: "false", ...attributes });
  return { row: make("label", {}, make("span", { text: label }), input), input };
}
