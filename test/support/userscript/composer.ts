// Runs in the browser: the composer of chatgpt.com as a real ProseMirror, with all the ways by which that page sends a draft.
import { baseKeymap } from "prosemirror-commands";
import { history, redo, undo } from "prosemirror-history";
import { keymap } from "prosemirror-keymap";
import { schema } from "prosemirror-schema-basic";
import { EditorState, type Plugin } from "prosemirror-state";
import { EditorView } from "prosemirror-view";

declare global {
  interface Window {
    fixture: {
      sent: number;
      view: EditorView | undefined;
      draft(): string;
      type(text: string): void;
      undo(): void;
      mount(place: HTMLElement, attributes: Record<string, string>): void;
    };
  }
}

const send = (): boolean => {
  window.fixture.sent++;
  void window.fetch("/backend-api/conversation", { method: "POST", body: window.fixture.draft() }).catch(() => {});
  return true;
};

const plugins = (): Plugin[] => [
  history(),
  keymap({ Enter: send, "Mod-Enter": send, "Mod-z": undo, "Mod-y": redo }),
  keymap(baseKeymap),
];

window.fixture = {
  sent: 0,
  view: undefined,
  draft: () => {
    const doc = window.fixture.view?.state.doc;
    return doc ? doc.textBetween(0, doc.content.size, "\n") : "";
  },
  type(text) {
    const { view } = window.fixture;
    view?.dispatch(view.state.tr.insertText(text));
  },
  undo() {
    const { view } = window.fixture;
    if (view) undo(view.state, view.dispatch);
  },
  mount(place, attributes) {
    window.fixture.view?.destroy();
    window.fixture.view = new EditorView(place, {
      state: EditorState.create({ schema, plugins: plugins() }),
      attributes,
      handleDOMEvents: {
        beforeinput: (_view, event) => (event as InputEvent).inputType === "insertParagraph" && send(),
      },
    });
  },
};

document.addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
document.addEventListener("click", (event) => {
  if (event.target instanceof Element && event.target.closest('[data-testid="send-button"]')) send();
});
