/** A media type without parameters, in lower case, and the charset that its header names. */
export interface ContentType {
  readonly essence: string;
  readonly charset?: string;
}

/** Reads a Content-Type header (RFC 9110, 8.3); undefined when it is missing or malformed. */
export function toContentType(header: string | undefined): ContentType | undefined {
  const [, essence] = /^\s*([\w!#$&^.+-]+\/[\w!#$&^.+-]+)\s*(?:;|$)/.exec(header ?? "") ?? [];
  if (essence === undefined) return undefined;
  const [, charset] = /;\s*charset\s*=\s*"?([\w.:-]{1,40})/i.exec(header ?? "") ?? [];
  return { essence: essence.toLowerCase(), ...(charset !== undefined && { charset: charset.toLowerCase() }) };
}

const texts = new Set(
  [
    "json",
    "xml",
    "xml-dtd",
    "javascript",
    "ecmascript",
    "typescript",
    "yaml",
    "x-yaml",
    "toml",
    "sql",
    "graphql",
    "rtf",
    "x-sh",
    "x-tex",
    "x-httpd-php",
  ]
    .concat([
      "ndjson",
      "x-ndjson",
      "jsonl",
      "json-seq",
      "x-www-form-urlencoded",
      "x-subrip",
      "n-triples",
      "n-quads",
      "trig",
      "mbox",
    ])
    .map((name) => `application/${name}`),
);

/** Whether a media type is text: `text/*`, JSON, XML and what builds on them, and the formats of source and data files. */
export const isText = (essence: string): boolean =>
  essence.startsWith("text/") || /\+(json|xml|yaml)$/.test(essence) || texts.has(essence);

/** Whether unnamed bytes look like no text: they hold a control character that text does not (MIME Sniffing standard, "binary data byte"). */
export const isBinary = (bytes: Uint8Array): boolean =>
  bytes.some((byte) => byte < 0x20 && (byte < 0x09 || byte === 0x0b || (byte > 0x0d && byte !== 0x1b)));
