const byEnding: Readonly<Record<string, string>> = {
  md: "text/markdown",
  markdown: "text/markdown",
  html: "text/html",
  htm: "text/html",
  css: "text/css",
  csv: "text/csv",
  js: "text/javascript",
  mjs: "text/javascript",
  json: "application/json",
  xml: "application/xml",
  yaml: "application/yaml",
  yml: "application/yaml",
  pdf: "application/pdf",
  zip: "application/zip",
  epub: "application/epub+zip",
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  webp: "image/webp",
  svg: "image/svg+xml",
  mp3: "audio/mpeg",
  mp4: "video/mp4",
  docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
};

const texts = /^(txt|text|log|ts|tsx|jsx|py|rs|go|java|c|h|cpp|hpp|sh|toml|ini|conf|rst|org|tex|sql|eml|ipynb)$/;

/** What a file holds, as far as its name tells. */
export function mimeTypeOf(path: string): string {
  const ending = /\.([a-z0-9]{1,9})$/i.exec(path)?.[1]?.toLowerCase() ?? "";
  return byEnding[ending] ?? (texts.test(ending) ? "text/plain" : "application/octet-stream");
}
