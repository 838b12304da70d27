const rubbish =
  /^(?:untitled|unbenannt|sans titre|document|dokument|presentation|slide|page|title|no ?title|unknown|none|null|undefined|new document|full page photo|scan(?:ned)?(?: document)?)[\s\d.()_-]*$/i;

const fileName =
  /\.(?:docx?|odt|rtf|pdf|dvi|ps|eps|tex|indd|qxp|qxd|fm|p65|cdr|ai|pptx?|xlsx?|html?|txt|wpd|pub|tmp|tiff?|jpe?g|png|xml)$/i;

/** What a program wrote into a document's title, when it is a title: no file's name, no program's own word, nothing garbled. */
export function usableTitle(written: unknown): string | undefined {
  if (typeof written !== "string") return undefined;
  const title = written
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ")
    .trim()
    .replace(/^Microsoft (?:Office )?(?:Word|PowerPoint|Excel) - /i, "")
    .slice(0, 500);
  const letters = title.match(/[\p{L}\p{N}]/gu)?.length ?? 0;
  if (letters < 2 || letters < title.length * 0.4 || title.includes("\ufffd")) return undefined;
  return rubbish.test(title) || fileName.test(title) || /^[\w.:/\\-]*[\\/][\w.:/\\-]*$/.test(title) ? undefined : title;
}
