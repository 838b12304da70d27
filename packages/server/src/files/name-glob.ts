/**
 * Matches relative paths: `*` and `?` within a name, `**` as a whole segment for any number of names, all other letters for themselves;
 * dotfiles count. A pattern without a slash is sought in every folder, as one expects of `*.md`. Time grows with pattern × path, never faster.
 */
export function createNameGlob(pattern: string): (path: string) => boolean {
  const whole = pattern.normalize("NFC");
  const segments = (whole.includes("/") ? whole : `**/${whole}`).split("/").filter(Boolean);
  return (path) =>
    wildcard(segments, path.split("/"), {
      many: (segment) => segment === "**",
      fits: (segment, name) =>
        wildcard([...segment], [...name], {
          many: (letter) => letter === "*",
          fits: (letter, other) => letter === "?" || letter === other,
        }),
    });
}

interface Rules {
  many(token: string): boolean;
  fits(token: string, item: string): boolean;
}

/** Only the last "many" ever needs to be tried again, which keeps the search free of nested backtracking. */
function wildcard(tokens: readonly string[], items: readonly string[], { many, fits }: Rules): boolean {
  let token = 0;
  let item = 0;
  let lastMany = -1;
  let resume = 0;
  while (item < items.length) {
    const wanted = tokens[token];
    if (wanted !== undefined && many(wanted)) {
      lastMany = token++;
      resume = item;
    } else if (wanted !== undefined && fits(wanted, items[item] ?? "")) {
      token++;
      item++;
    } else if (lastMany >= 0) {
      token = lastMany + 1;
      item = ++resume;
    } else return false;
  }
  return tokens.slice(token).every(many);
}
