import { type AuditEntry, ask, Refused } from "./api.ts";

/** Entries of the live tail that are held. */
const mostHeld = 500;
/** The server may be started anew: how long to wait before it is asked again, in milliseconds. */
const againMs = 2_000;
/** New entries are shown at once, but not more often than this (ms): hundreds a second must not hold up the page. */
const drawMs = 150;

/** What comes by itself, for all screens. */
class Live {
  /** Newest first. */
  entries = $state.raw<readonly AuditEntry[]>([]);
  state = $state<"connecting" | "live" | "away" | "out">("connecting");
  /** Counts up whenever something about consent may have changed. */
  consents = $state(0);
  /** Entries that came while nobody could show them. */
  missed = $state(0);
  #source: EventSource | undefined;
  #waiting: AuditEntry[] = [];
  #drawing: ReturnType<typeof setTimeout> | undefined;

  begin(): void {
    this.end();
    this.state = "connecting";
    const source = new EventSource("/console/events");
    this.#source = source;
    source.addEventListener("open", () => {
      this.state = "live";
      this.consents += 1;
    });
    source.addEventListener("records", (event) => this.#take(JSON.parse((event as MessageEvent<string>).data)));
    source.addEventListener("missed", (event) => {
      this.missed += Number((event as MessageEvent<string>).data) || 0;
    });
    source.addEventListener("error", () => {
      if (this.#source !== source) return;
      source.close();
      this.state = "away";
      setTimeout(() => void this.#again(source), againMs);
    });
  }

  end(): void {
    this.#source?.close();
    this.#source = undefined;
    clearTimeout(this.#drawing);
    this.#drawing = undefined;
  }

  async #again(source: EventSource): Promise<void> {
    if (this.#source !== source) return;
    try {
      await ask("console.health");
      this.begin();
    } catch (error) {
      if (error instanceof Refused && error.status === 401) this.state = "out";
      else setTimeout(() => void this.#again(source), againMs);
    }
  }

  #take(entries: readonly AuditEntry[]): void {
    this.#waiting.push(...entries);
    this.#drawing ??= setTimeout(() => {
      this.#drawing = undefined;
      const fresh = this.#waiting.toReversed();
      this.#waiting = [];
      if (fresh.some(({ consent, method }) => consent !== undefined || method?.startsWith("consent.")))
        this.consents += 1;
      this.entries = [...fresh, ...this.entries].slice(0, mostHeld);
    }, drawMs);
  }
}

export const live = new Live();
