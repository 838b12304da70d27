import { isVisible } from "./page.ts";

const dialogs = 'dialog[open], [role="dialog"], [role="alertdialog"], [aria-modal="true"]';
const notices =
  '[role="alert"], [role="status"], [aria-live="assertive"], [data-testid*="limit" i], [data-testid*="toast" i], [class*="toast" i]';
const limits =
  /\b(rate limit|usage limit|(reached|hit|exceeded) (the|your|our)\b.{0,40}\blimit|too many requests|unusual activity|try again later|verify (that )?you are human|suspicious|something went wrong)\b/i;
const challenges = 'iframe[src*="challenges.cloudflare.com"], iframe[src*="captcha" i], iframe[title*="challenge" i]';

/** Why nothing goes on by itself on this page just now; undefined while nothing stands in the way. */
export function findObstacle(document: Document): string | undefined {
  if (document.visibilityState !== "visible") return "this tab is not in view";
  if ([...document.querySelectorAll(dialogs)].some(isVisible)) return "the page asks something";
  if ([...document.querySelectorAll(challenges)].some(isVisible)) return "the page wants to see a person";
  const noticed = [...document.querySelectorAll(notices)].filter(isVisible);
  return noticed.some((one) => limits.test((one.textContent ?? "").slice(0, 2_000)))
    ? "the page speaks of a limit"
    : undefined;
}
