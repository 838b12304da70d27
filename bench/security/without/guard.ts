/** One guard, and how it is taken out: a piece of one source file is put in the place of another. */
export interface Guard {
  /** As docs/security-tests.md calls it. */
  readonly name: string;
  /** Below packages/server/src. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly from: string;
  readonly to: string;
  /** Test files of which at least one test has to fail. */
  readonly tests: readonly string[];
  /** A pattern of the names of the tests to run; all of them by default. */
  readonly only?: string;
}
