import { chatSection } from "./panel/chat-section.ts";
import { clipSection } from "./panel/clip-section.ts";
import { openFrame } from "./panel/frame.ts";
import { pairSection } from "./panel/pair-section.ts";
import { searchSection } from "./panel/search-section.ts";
import { goOn, walkSection } from "./panel/walk-section.ts";
import { currentPairing } from "./server.ts";
import { currentWalk } from "./walk.ts";

/** Puts the panel on the page and does nothing else, unless the owner has begun a walk before. */
function start(): void {
  const frame = openFrame();
  const work = [searchSection(frame.tell), chatSection(frame), clipSection(frame.tell), walkSection(frame)];
  const draw = (): void => {
    for (const section of work) section.toggleAttribute("hidden", currentPairing() === undefined);
  };
  frame.sections.append(...work, pairSection(frame.tell, draw));
  draw();
  if (currentPairing() !== undefined && currentWalk().active) void goOn(frame);
}

if (window.top === window.self) start();
