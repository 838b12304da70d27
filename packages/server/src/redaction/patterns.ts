import { RE2JS } from "re2js";

export interface CompiledPatterns {
  readonly patterns: readonly RE2JS[];
}

export const compilePatterns = (patterns: readonly string[]): CompiledPatterns => ({ patterns: patterns.map((pattern) => RE2JS.compile(pattern)) });

export function checkPattern(pattern: string): string | undefined {
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
