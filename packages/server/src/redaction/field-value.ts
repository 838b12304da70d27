import { isSecretValue } from "./judge.ts";
import { withoutMasks } from "./mask.ts";
import { ownPage, toPage } from "./page.ts";
import { isReference } from "./placeholder.ts";
import { weighName } from "./secret-names.ts";
import { measure } from "./token-shape.ts";

/** The kind of secret that a field's value is by the field's name, or undefined. */
export function judgeField(name: string, text: string): string | undefined {
  const value = withoutMasks(text);
  // A mask in a name says "token" without naming anything.
  const { weight, kind } = weighName(withoutMasks(name));
  if (weight === "none" || value.length === 0 || isReference(value)) return undefined;
  if (weight === "password") return isProse(value) ? undefined : kind;
  const { bytes, length } = toPage(value);
  const shape = measure(ownPage(bytes, length).bytes, 0, length);
  if (
    weight === "secret" &&
    length >= 6 &&
    !/\s/.test(value) &&
    (shape.digits > 0 || length >= 16) &&
    !/^https?:/.test(value)
  )
    return kind;
  return isSecretValue(weight, value, { writing: "quoted", shape }) ? kind : undefined;
}

/** What describes a field instead of filling it: a type's name, or a sentence. */
const isProse = (value: string): boolean =>
  /^(?:string|password|text|hidden|required|optional|boolean|true|false|null|none)$/i.test(value) ||
  /^[A-Z][a-z]+(?: [A-Za-z,.'()-]+){2,}$/.test(value);

const calm =
  /(?:^|[_-])(?:id|ids|uuid|guid|hash|sha\d*|sha|md5|etag|digest|checksum|integrity|cursor|commit|oid|tree|parent|fingerprint|revision|rev|version|nonce|boundary)$|(?:Id|Hash|Cursor|Digest|Etag|Checksum|Sha\d*|Revision)$/i;

/** Whether a field holds identifiers or digests: that those are random says nothing. */
export const isCalmName = (name: string): boolean => calm.test(name);
