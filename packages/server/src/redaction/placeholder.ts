const words = new Set(
  `a an and any api app auth bar baz change changed changeit changeme changethis client credentials current default demo dummy enter env
  example fake field file foo from generated goes hello here hidden id in input insert is it key keys local masked me mock my name new none
  not null of old or optional param pass passphrase password placeholder please private prod production provided pwd real redacted
  removed replace replaceme required sample sanitized secret secrets sensitive set some something somesecret string super super
  supersecret temp test testing the this to todo token tokens type undefined unknown unset update user username valid value var variable
  with world your yours access refresh bearer basic none true false text hash code confirm confirmation incorrect wrong
  invalid missing must email login account number boolean object`
    .trim()
    .split(/\s+/),
);

/** A reference or a gap to fill in, not a value: `${X}`, `{{x}}`, `<your key>`, `$VAR`, `%s`, `os.environ[X]`, `var.db_password`. */
const reference =
  /\$\(|<%|%\(|^<[^>]*>?$|^\{[^}]*\}?$|^\[[^\]]*\]?$|^\$[A-Za-z_][A-Za-z0-9_]*$|^%[A-Za-z_]+%?$|^@[a-z]|process\.env|os\.environ|getenv|^(var|env|local|self|this|config|settings|secrets|params|props|options|data|module|args|process|request|req)\b[.[]|^arn:|^vault:|^(file|env|secretref|ssm):/i;

/** Whether a value refers to a secret kept elsewhere, or is a gap to fill in. */
export const isReference = (value: string): boolean => reference.test(value) || holdsTemplate(value);

const closing: Readonly<Record<string, string>> = { "{": "}", "(": ")", "[": "]" };

/** Whether `${` or `{{` opens a gap to fill in: what is open closes in order, or the text ends before. In a password brackets stand anyhow. */
function holdsTemplate(value: string): boolean {
  const opened = /\$\{|\{\{/.exec(value);
  if (!opened) return false;
  const open: string[] = [];
  for (const character of value.slice(opened.index, opened.index + 512)) {
    const close = closing[character];
    if (close !== undefined) open.push(close);
    else if (character === "}" || character === ")" || character === "]") {
      if (open.pop() !== character) return false;
      if (open.length === 0) return true;
    }
  }
  return true;
}

/** Whether a value stands for a secret without being one. `[redacted:…]` is such a value. */
export function isPlaceholder(value: string): boolean {
  if (value.length === 0 || value.startsWith("[redacted:") || isReference(value)) return true;
  if (/^(.)\1*$/.test(value) || /^[xX*.#_\-•…\s]+$/.test(value)) return true;
  if (
    /x{6,}|\*{3,}|\.{3}|#{6,}|redacted|(?:your|put|my|the)[_-]?(?:api|token|key|secret|password)/i.test(value) &&
    !/(?:\d.*){6}/.test(value.replace(/x{6,}.*/i, ""))
  )
    return true;
  if (/^[a-z]*(0?12345(6789?0?)?)?$/i.test(value) && value.length < 8 && /\d/.test(value)) return true;
  const parts = value
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((part) => part !== "");
  const digits = value.replace(/\D/g, "").length;
  return parts.length > 0 && digits === 0 && parts.every(isFiller);
}

/** Whether a run of letters is made of nothing but such words: `somefakekey`. */
function isFiller(part: string): boolean {
  if (words.has(part)) return true;
  if (part.length > 40) return false;
  const reach = new Array<boolean>(part.length + 1).fill(false);
  reach[0] = true;
  for (let from = 0; from < part.length; from++) {
    if (!reach[from]) continue;
    for (let to = from + 2; to <= part.length; to++) if (words.has(part.slice(from, to))) reach[to] = true;
  }
  return reach[part.length] === true;
}
