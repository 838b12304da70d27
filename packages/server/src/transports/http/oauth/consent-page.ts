import { escapeHtml as text, toPage } from "../page.ts";
import type { PendingLogin, Reach, ToolReach } from "./authorization.ts";
import { type Choice, lifetimes } from "./consent-form.ts";

export interface ConsentPage {
  readonly login: PendingLogin;
  readonly reach: Reach;
  readonly choice: Choice;
  readonly action: string;
  readonly formToken: string;
}

/** The question to the owner: who wants in, what policy would let it reach, and what of that it may have. It works without any script. */
export function consentPage({ login, reach, choice, action, formToken }: ConsentPage): string {
  const { client, scopes } = login;
  const offered = reach.tools.filter(({ scope }) => scopes.includes(scope));
  const withheld = reach.tools.filter(({ scope }) => !scopes.includes(scope));
  const isChosen = ({ name, scope }: ToolReach): boolean =>
    choice.tools ? choice.tools.includes(name) : scope === "mcp:read";
  const body = [
    choice.fault ? `<p role="alert"><strong>${text(choice.fault)}</strong></p>` : "",
    `<p><strong>${text(client.name)}</strong> ${originOf(login)}</p>`,
    `<p>The login is handed to <strong>${text(targetOf(client.redirect))}</strong>${isLocal(client.redirect) ? ", a program on the computer that this browser runs on. Any program there can ask like this: go on only if you have just started this login yourself" : ""}.</p>`,
    `<form method="post" action="${text(action)}">`,
    `<input type="hidden" name="token" value="${text(formToken)}"><input type="hidden" name="shown" value="${text(choice.subject)}">`,
    `<fieldset><legend>It acts as</legend><p><label>Subject <input name="subject" list="subjects" value="${text(choice.subject)}" maxlength="128" required></label> <button name="decision" value="show">Show what this subject reaches</button></p>`,
    `<datalist id="subjects">${reach.subjects.map((subject) => `<option value="${text(subject)}">`).join("")}</datalist>`,
    `<p>Policy decides what a subject reaches, now and later: an edit of the policy counts at once.</p></fieldset>`,
    offered.length > 0
      ? `<fieldset><legend>As ${text(choice.subject)} it could</legend>${offered.map((tool) => toolLine(tool, isChosen(tool))).join("")}${foldersOf(reach)}</fieldset>`
      : `<p><strong>Policy opens nothing to ${text(choice.subject)} that this client asks for.</strong> Choose another subject, or add a scope for it to a policy.</p>`,
    withheld.length > 0
      ? `<p>It did not ask for, and does not get: ${withheld.map(({ title }) => text(title)).join(", ")}.</p>`
      : "",
    `<p>Secrets are masked in all that it is given, and every call is recorded. What it is given, it may keep and pass on: Portcullis does not see what it does elsewhere.</p>`,
    `<fieldset><legend>The grant</legend><p><label>Name in the token list <input name="name" value="${text(choice.name)}" maxlength="58" required></label></p>`,
    `<p><label>It lasts <select name="lifetime">${[...lifetimes].map(([value, { label }]) => `<option value="${value}"${value === choice.lifetime ? " selected" : ""}>${label}</option>`).join("")}</select></label></p>`,
    `<p>Withdraw it at any time: <code>portcullis token revoke NAME</code>.</p></fieldset>`,
    `<p><button name="decision" value="refuse" formnovalidate autofocus>Refuse</button> <button name="decision" value="allow">Allow</button></p></form>`,
  ];
  return toPage("Let this client in?", body.join(""));
}

/** The first button of a form is the one that Enter presses: showing what is reached does no harm. */
const toolLine = ({ name, title, summary, scope, allow, deny }: ToolReach, chosen: boolean): string => {
  const effect = scope === "mcp:read" ? "" : " <strong>It changes something, or sends it off this machine.</strong>";
  const where = `in ${allow.length > 0 ? allow.map((pattern) => `<code>${text(pattern)}</code>`).join(", ") : "nothing yet"}`;
  const except =
    deny.length > 0
      ? `<details><summary>but never in ${deny.length} places that policy closes</summary><p>${deny.map((pattern) => `<code>${text(pattern)}</code>`).join(", ")}</p></details>`
      : "";
  return `<p><label><input type="checkbox" name="tool" value="${text(name)}"${chosen ? " checked" : ""}> <strong>${text(title)}</strong> (${text(name)})</label>: ${text(summary)}${effect} ${where}</p>${except}`;
};

const foldersOf = ({ folders }: Reach): string =>
  folders.length > 0
    ? `<p>Served folders, which <code>@served</code> stands for: ${folders.map(({ name, path }) => `${text(name)} (<code>${text(path)}</code>)`).join(", ")}.</p>`
    : "";

const originOf = ({ client }: PendingLogin): string =>
  client.host === undefined
    ? "wants to use your data. It has registered itself: the name is its own claim, and nobody has checked it."
    : `of <strong>${text(client.host)}</strong> wants to use your data. That host vouches for it.`;

/** Where a redirect leads, in the form that tells hosts apart. */
function targetOf(redirect: string): string {
  if (!URL.canParse(redirect)) return redirect;
  const { protocol, host } = new URL(redirect);
  return protocol === "https:" || protocol === "http:" ? host : `${protocol} (an app on this computer)`;
}

const isLocal = (redirect: string): boolean => !redirect.startsWith("https:");

export const donePage = (title: string, words: string): string => toPage(title, `<p>${text(words)}</p>`);
