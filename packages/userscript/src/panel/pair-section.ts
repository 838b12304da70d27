import { forgetChats } from "../known.ts";
import { currentPairing, forgetPairing, pairWith } from "../server.ts";
import { make, makeButton, makeField } from "./elements.ts";

const usual = "http://127.0.0.1:8088";

/** Where the owner types the code in, and sees which server the script speaks with. */
export function pairSection(tell: (text: string, bad?: boolean) => void, changed: () => void): HTMLElement {
  const section = make("section", { "aria-label": "Server" });
  const draw = (): void => {
    const pairing = currentPairing();
    if (pairing) {
      const leave = makeButton("Forget this server", () => {
        forgetPairing();
        forgetChats();
        tell(`Forgotten here. To end it on the server too: portcullis token revoke ${pairing.name}`);
        draw();
        changed();
      });
      section.replaceChildren(
        make("p", { text: `Paired with ${pairing.server} as ${pairing.name}.` }),
        make("div", { class: "row" }, leave),
      );
      return;
    }
    const server = makeField("Server on this machine", { type: "url", value: usual });
    const code = makeField("Code (portcullis pair prints one)", { type: "text", inputmode: "text" });
    const button = makeButton(
      "Pair",
      async () => {
        try {
          const made = await pairWith(server.input.value, code.input.value);
          tell(`Paired with ${made.server} as ${made.name}.`);
          draw();
          changed();
        } catch (error) {
          tell((error as Error).message, true);
        }
      },
      { class: "strong" },
    );
    section.replaceChildren(
      make("h3", { text: "Pair with Portcullis" }),
      server.row,
      code.row,
      make("div", { class: "row" }, button),
    );
  };
  draw();
  return section;
}
