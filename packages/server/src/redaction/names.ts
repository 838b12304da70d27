/** What a name says of its value: `secret` is always masked, `maybe` if the value looks the part, `quiet` keeps chance-looking values. */
export type NameKind = "secret" | "maybe" | "quiet" | "plain";

const remembered = new Map<string, NameKind>();
const maxRemembered = 4_096;

/** Judges a field, variable or header name, whichever way its words are joined. */
export function judgeName(name: string): NameKind {
  if (name.length > 96) return "plain";
  let kind = remembered.get(name);
  if (kind === undefined) {
    kind = judge(name);
    if (remembered.size >= maxRemembered) remembered.clear();
    remembered.set(name, kind);
  }
  return kind;
}

const secretWords =
  /(?:^| )(?:password|passwd|passphrase|passcode|passwort|pwd|secret|apikey|authorization|privatekey|accesskey|secretkey|sharedkey|masterkey|signingkey|encryptionkey|accountkey|authtoken|accesstoken|refreshtoken|bearertoken|sessiontoken|idtoken|apitoken|bottoken|securitytoken|usertoken|clientsecret|appsecret|webhooksecret|connectionstring|cookie|setcookie|credential|credentials|jwt|otp|mnemonic|seedphrase|sessionkey|licensekey|dockercfg|dockerconfigjson)$/;
const pairs =
  /(?:^| )(?:api|access|private|secret|shared|master|signing|encryption|account|auth|refresh|bearer|session|security|user|client|app|bot|service|webhook|id|connection|seed|license|storage|subscription|deploy|admin|registration|consumer|function|host|oauth|personal) (?:key|token|secret|string|phrase|pass|password|credential|credentials)s?$/;
const maybeWords =
  /(?:^| )(?:\w*(?:password|passwd|secret|token|apikey|accesskey|secretkey|passphrase)s?|pass|key|auth|cred|creds|pw|pat|sig|signature|bearer|credential|dsn|salt|pin|hmac|sas|webhook|webhookurl|\w{3,}key|signedurl)(?: \d+| [a-z])?$/;
const quietWords =
  /(?:^| )(?:id|ids|uuid|guid|ulid|hash|sha|sha1|sha224|sha256|sha384|sha512|md5|crc|checksum|digest|integrity|etag|commit|revision|rev|oid|tree|blob|parent|cursor|nextcursor|page|version|fingerprint|thumbprint|resolved|signature|nonce|state|requeststate|prev|mappings|build|trace|traceparent|span|permalink|uri|url|path|public|publickey|kid|jti|boot|algorithm|sri)$/;
const benignTail =
  / (?:count|counts|length|size|limit|max|min|budget|usage|used|type|types|kind|name|names|id|ids|uri|url|urls|endpoint|path|file|files|filename|dir|hint|field|fields|expiry|expires|expired|expiration|lifetime|ttl|at|date|time|timeout|status|enabled|required|policy|rules|strength|index|offset|position|regex|pattern|format|prefix|suffix|label|title|description|help|input|placeholder|class|style|error|errors|message|store|provider|manager|service|handler|parser|generator|validator|reset|version|algorithm|alg|header|scope|scopes|audience|source|ref|mode|length|bits|map|set|list|node|kinds|value type|stream|color|colour)$/;
const benignNames =
  /^(?:(?:next |prev |previous )?(?:page|sync|continuation|cursor) ?token|progress ?token|max tokens|(?:prompt|completion|input|output|total|cached|reasoning) tokens?|tokens|keys|public key|primary key|foreign key|cache key|sort key|partition key|object key|i18n key|row key|hot ?key|key ?word|idempotency key|csrf ?token|key ?board|monkey|turkey|donkey|hockey|jockey|whiskey|author|authority|authors?|(?:e )?tag)$|(?:^| )(?:public|no|is|has|show|require|requires|forgot|reset|change|use|with|without|token|cache|dedupe|sort|group|map|entity|query|react|object|event|translation|message|lookup|foreign|primary|property|index|column|attribute|on|get|set|parse|syntax|css|next|last|first|peek|current|end|start|punctuator|keyword|comment|arrow|modifier|dot|colon|semicolon|equals|question|opening|closing|brace|bracket|paren) (?:key|token|password|secret)s?$/;

function judge(name: string): NameKind {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1 $2")
    .replace(/[^A-Za-z0-9]+/g, " ")
    .trim()
    .toLowerCase();
  if (words === "") return "plain";
  if (benignNames.test(words)) return "quiet";
  if (secretWords.test(words) || pairs.test(words)) return "secret";
  if (/(?:^| )(?:pass|password|passwd|secret|pwd)(?: [a-z0-9]+){1,2}$/.test(words) && !benignTail.test(words))
    return "maybe";
  if (maybeWords.test(words)) return "maybe";
  return quietWords.test(words) ? "quiet" : "plain";
}
