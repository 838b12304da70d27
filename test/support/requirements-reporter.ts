import type { Reporter, TestCase, TestModule } from "vitest/node";
import { noPostgres } from "./fleet/postgres.ts";
import { noRedis } from "./fleet/redis.ts";
import type { Requirement } from "./requirement.ts";
import { type RequirementId, requirements } from "./requirements.ts";

/**
 * Ends a full run with the count of promises proved, and fails it when one is proved nowhere or not on each of its doors. A run of chosen
 * files only reports what it saw.
 */
export default class RequirementsReporter implements Reporter {
  readonly #proved = new Set<string>();
  readonly #skipped: string[] = [];
  #passed = 0;
  #failed = 0;

  onTestCaseResult(test: TestCase): void {
    const { state } = test.result();
    if (state === "passed") this.#passed++;
    if (state === "failed") this.#failed++;
    if (state === "skipped") this.#skipped.push(test.name);
    const title = /^\[([\w.-]+)\] ([\w-]+)/.exec(test.name);
    if (title && state === "passed") this.#proved.add(`${title[1]} ${title[2]}`);
  }

  onTestRunEnd(_modules: readonly TestModule[], _errors: readonly unknown[]): void {
    const whole = process.env.PORTCULLIS_WHOLE_SUITE === "1";
    const entries = Object.entries(requirements) as [string, Requirement][];
    const wanted = entries.flatMap(([id, { on }]) => (on === "once" ? ["once"] : on).map((door) => `${id} ${door}`));
    const unproved = wanted.filter((proof) => !this.#proved.has(proof));
    const without = noRedis() ?? noPostgres();
    const isExcused = (proof: string): boolean =>
      without !== undefined && (requirements[proof.split(" ")[0] as RequirementId] as Requirement).needs === "engines";
    const missing = unproved.filter((proof) => !isExcused(proof));
    const partly = entries.filter(([, { partly }]) => partly !== undefined);
    if (whole) {
      console.log(
        `\n${entries.length} promises, ${wanted.length - missing.length} of ${wanted.length} proofs (promise \u00d7 door) passed.`,
      );
      if (partly.length > 0) {
        console.log(`Kept in part only (${partly.length}):`);
        for (const [id, { partly: rest }] of partly) console.log(`  ${id}: ${rest}`);
      }
      for (const proof of unproved.filter(isExcused)) console.log(`  not tried here: ${proof}, since ${without}`);
      for (const proof of missing) console.log(`  \u2717 not proved: ${proof}`);
      if (missing.length > 0) process.exitCode = 1;
    }
    for (const name of this.#skipped) console.log(`  skipped: ${name}`);
    console.log(
      `\n${this.#passed} passed, ${this.#failed} failed${this.#skipped.length > 0 ? `, ${this.#skipped.length} skipped` : ""}`,
    );
  }
}
