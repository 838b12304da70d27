/** How a text is cut and titled. */
export type TextKind = "markdown" | "code" | "text";

/** The largest file that is indexed, in bytes. */
export const largestFile = 5 * 1024 * 1024;

const list = (words: string): ReadonlySet<string> => new Set(words.split(" "));

const markdown = list("md markdown mdx");
const code = list(
  "ts tsx mts cts js jsx mjs cjs py pyi rb rs go java kt kts scala c h cc cpp cxx hpp cs swift php pl pm lua r jl sh bash zsh fish ps1 sql" +
    " css scss less vue svelte dart ex exs erl hs clj el lisp ml nix tf hcl proto graphql toml yaml yml ini conf env gradle cmake mk",
);
const binary = list(
  "doc xls xlsx ppt pptx ods odp mobi png jpg jpeg gif webp avif heic bmp tif tiff ico psd mp3 m4a flac wav ogg opus mp4" +
    " mkv mov avi webm zip gz tgz bz2 xz zst 7z rar tar jar war class so dll dylib exe bin o a wasm iso dmg img db sqlite sqlite3 ttf otf" +
    " woff woff2 eot pyc parquet kdbx gpg age p12 pfx jks keystore",
);

const extensionOf = (path: string): string => /\.([^./]+)$/.exec(path)?.[1]?.toLowerCase() ?? "";

export function kindOf(path: string): TextKind {
  const extension = extensionOf(path);
  return markdown.has(extension) ? "markdown" : code.has(extension) ? "code" : "text";
}

/** Why a file's name alone tells that it holds no plain text, or undefined. */
export const binaryByName = (path: string): string | undefined =>
  binary.has(extensionOf(path)) ? `Files of the kind .${extensionOf(path)} are not read as text.` : undefined;

/** Why bytes are no plain text, or undefined. */
export function binaryByContent(bytes: Buffer): string | undefined {
  if (bytes.includes(0)) return "It is binary.";
  const head = bytes.subarray(0, 8_192).toString("utf8");
  const broken = head.split("\uFFFD").length - 1;
  return broken > 16 && broken > head.length * 0.3 ? "It is binary, or in an encoding other than UTF-8." : undefined;
}
