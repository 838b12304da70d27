/** The look of the panel, light and dark as the system has it. All of it lives in the shadow root. */
export const style = `
:host { all: initial; }
* { box-sizing: border-box; font: 14px/1.45 system-ui, sans-serif; }
.root { --back: #ffffff; --soft: #f2f4f7; --line: #c4cad3; --text: #16191f; --quiet: #4d5562; --strong: #0b5c4b; --on-strong: #ffffff; --warn: #8a1c1c; color: var(--text); }
@media (prefers-color-scheme: dark) {
  .root { --back: #1b1e24; --soft: #272c34; --line: #4a525f; --text: #eef1f5; --quiet: #b3bcc9; --strong: #7fd6bf; --on-strong: #0d1a17; --warn: #ffb4ab; }
}
.opener { position: fixed; right: 16px; bottom: 96px; z-index: 2147483000; width: 44px; height: 44px; border-radius: 22px; border: 1px solid var(--line); background: var(--back); color: var(--strong); font-weight: 700; cursor: pointer; box-shadow: 0 2px 8px rgb(0 0 0 / 25%); }
.panel { position: fixed; right: 16px; bottom: 16px; z-index: 2147483001; width: min(400px, calc(100vw - 32px)); max-height: min(680px, calc(100vh - 32px)); overflow: auto; border: 1px solid var(--line); border-radius: 12px; background: var(--back); padding: 14px; box-shadow: 0 8px 28px rgb(0 0 0 / 30%); }
[hidden] { display: none !important; }
header { display: flex; justify-content: space-between; align-items: center; margin-bottom: 8px; }
h2 { font-size: 16px; font-weight: 700; margin: 0; }
h3 { font-size: 14px; font-weight: 700; margin: 0 0 6px; }
section { border-top: 1px solid var(--line); padding: 10px 0; display: grid; gap: 8px; }
p { margin: 0; color: var(--quiet); }
label { display: grid; gap: 3px; color: var(--quiet); }
input { width: 100%; padding: 7px 9px; border: 1px solid var(--line); border-radius: 8px; background: var(--soft); color: var(--text); }
input[type="checkbox"] { width: 18px; height: 18px; margin: 0; }
.check { display: flex; gap: 8px; align-items: center; }
.row { display: flex; gap: 8px; flex-wrap: wrap; }
button { padding: 7px 12px; min-height: 34px; border-radius: 8px; border: 1px solid var(--line); background: var(--soft); color: var(--text); cursor: pointer; }
button.strong { background: var(--strong); color: var(--on-strong); border-color: var(--strong); }
button[aria-disabled="true"] { opacity: 0.6; cursor: default; }
button:focus-visible, input:focus-visible, summary:focus-visible { outline: 3px solid var(--strong); outline-offset: 2px; }
ul { list-style: none; margin: 0; padding: 0; display: grid; gap: 8px; }
li { border: 1px solid var(--line); border-radius: 8px; padding: 8px; display: grid; gap: 6px; }
.passage { white-space: pre-wrap; overflow-wrap: anywhere; max-height: 7.5em; overflow: auto; color: var(--text); }
.title { font-weight: 700; color: var(--text); overflow-wrap: anywhere; }
.told { min-height: 1.45em; overflow-wrap: anywhere; }
.told.bad { color: var(--warn); }
summary { cursor: pointer; font-weight: 700; }
.banner { position: fixed; top: 0; left: 0; right: 0; z-index: 2147483002; display: flex; gap: 12px; justify-content: center; align-items: center; padding: 8px 12px; background: var(--strong); color: var(--on-strong); }
.banner p { color: inherit; }
.banner button { background: var(--on-strong); color: var(--strong); border-color: var(--on-strong); font-weight: 700; }
`;
