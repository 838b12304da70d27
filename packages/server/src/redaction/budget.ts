/** Thrown inside when a message has used its budget up; its strings are then withheld, never passed. */
export class OverBudget extends Error {
  override readonly name = "OverBudget";
}

/**
 * Work that one message may cost, counted in characters looked at (a detector's closer look counts for several). Counted rather than
 * timed, so that the same message is always treated the same way.
 */
export class Budget {
  #left: number;

  constructor(units: number) {
    this.#left = units;
  }

  spend(units: number): void {
    this.#left -= units;
    if (this.#left < 0) throw new OverBudget("The budget is used up.");
  }
}
