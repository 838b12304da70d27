import { chatSection } from "./panel/chat-section.ts";
import { clipSection } from "./panel/clip-section.ts";
import { openFrame } from "./panel/frame.ts";
import { pairSection } from "./panel/pair-section.ts";
import { searchSection } from "./panel/search-section.ts";
import { arriveByWalk, walkSection } from "./panel/walk-section.ts";
import { currentPairing } from "./server.ts";

/** Puts the panel on the page and does nothing else, unless this is the page that a walk of the owner's has just opened. */
function start(): void {
  const frame = openFrame();
  const work = [searchSection(frame.tell), chatSection(frame), clipSection(frame.tell), walkSection(frame)];
  const draw = (): void => {
    for (const section of work) section.toggleAttribute("hidden", currentPairing() === undefined);
  };
  frame.sections.append(...work, pairSection(frame.tell, draw));
  draw();
  if (currentPairing() !== undefined) void arriveByWalk(frame);
}

if (window.top === window.self) start();
