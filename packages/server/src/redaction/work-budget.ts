/** Thrown inside the redactor when a message has used up its work: what was in hand is withheld. */
export class BudgetSpent extends Error {
  constructor() {
    super("The work allowed for one message is used up.");
    this.name = "BudgetSpent";
  }
}

/** How much a message may cost. Counted in work, not in time, so that the same message always gets the same answer. */
export interface Budget {
  /** Counts `units` of work (one unit is about one character read); throws BudgetSpent when none are left. */
  spend(units: number): void;
  /** Counts a match. */
  match(): void;
}

const maxUnits = 32_000_000;
const maxMatches = 10_000;

export function createBudget(): Budget {
  let units = maxUnits;
  let matches = maxMatches;
  return {
    spend(used) {
      units -= used;
      if (units < 0) throw new BudgetSpent();
    },
    match() {
      matches -= 1;
      if (matches < 0) throw new BudgetSpent();
    },
  };
}
