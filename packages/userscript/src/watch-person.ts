import { findObstacle } from "./page/obstacle.ts";

/** Why something that went on by itself has stopped. */
export class Stopped extends Error {
  override readonly name = "Stopped";
}

const acts = ["keydown", "pointerdown", "mousedown", "touchstart", "wheel"] as const;
/** How often it is looked whether something stands in the way, in milliseconds. */
const lookMs = 250;

/**
 * Watches the page while something goes on by itself: the signal fires when the person does anything there, when something stands in the way, or when `stop` is
 * called. What is done in the script's own panel is no sign but for Escape. `end` ends the watch.
 */
export function watchPerson(panel: Element): { readonly signal: AbortSignal; stop(why: string): void; end(): void } {
  const stopping = new AbortController();
  const stop = (why: string): void => stopping.abort(new Stopped(why));
  const acted = (event: Event): void => {
    if (event instanceof KeyboardEvent && event.key === "Escape") stop("you pressed Escape");
    else if (!event.composedPath().includes(panel)) stop("you did something on the page");
  };
  const look = (): void => {
    const obstacle = findObstacle(document);
    if (obstacle !== undefined) stop(obstacle);
  };
  for (const act of acts) window.addEventListener(act, acted, { capture: true, passive: true });
  document.addEventListener("visibilitychange", look);
  const looking = setInterval(look, lookMs);
  look();
  return {
    signal: stopping.signal,
    stop,
    end() {
      for (const act of acts) window.removeEventListener(act, acted, { capture: true });
      document.removeEventListener("visibilitychange", look);
      clearInterval(looking);
    },
  };
}
