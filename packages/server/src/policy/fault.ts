/** Something wrong in a policy file, with its exact place. Lines and columns count from 1. */
export interface Fault {
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  /** What was probably meant. */
  readonly suggestion?: string;
}

/** One line in the form that editors and terminals make clickable. */
export const toLine = ({ path, line, column, message, suggestion }: Fault): string =>
  `${path}:${line}:${column}: ${message}${suggestion === undefined ? "" : ` Did you mean ${suggestion}?`}`;

/** A pattern that cannot be compiled. The message says what to write instead. */
export class PatternError extends Error {
  readonly suggestion: string | undefined;

  constructor(message: string, suggestion?: string) {
    super(message);
    this.name = "PatternError";
    this.suggestion = suggestion;
  }
}
