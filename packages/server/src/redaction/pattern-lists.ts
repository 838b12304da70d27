import { type CompiledPatterns, compilePatterns } from "./patterns.ts";

/** Compiles each list of patterns once: scopes give the same lists again and again. */
export function rememberPatterns(most = 1_000): (patterns: readonly string[]) => CompiledPatterns {
  const known = new Map<string, CompiledPatterns>();
  return (patterns) => {
    const key = JSON.stringify(patterns);
    let compiled = known.get(key);
    if (!compiled) {
      compiled = compilePatterns(patterns);
      if (known.size >= most) known.clear();
      known.set(key, compiled);
    }
    return compiled;
  };
}
