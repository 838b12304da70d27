/** How much a name says that its value is secret. */
export type NameWeight =
  /** Nothing. */
  | "none"
  /** Hardly anything: the value has to look random, and not like a hash. */
  | "mention"
  /** It may: the value has to look random. */
  | "hint"
  /** Tokens, keys, secrets: the value may be anything but a word. */
  | "secret"
  /** Passwords: the value may be any but a placeholder. */
  | "password";

export interface SecretName {
  readonly weight: NameWeight;
  readonly kind: string;
}

const none: SecretName = { weight: "none", kind: "" };
const list = (words: string): ReadonlySet<string> => new Set(words.trim().split(/\s+/));

const passwords = list(`password passwords passwd passwort pass passphrase passcode pwd pw psw pswd passw kennwort senha
  contrasena contraseña motdepasse userpass dbpass dbpassword dbpasswd userpassword rootpassword adminpassword mypassword
  cleartextpassword smtppass smtppassword sshpass pgpassword mysqlpwd`);
const tokens =
  list(`token tokens authtoken accesstoken refreshtoken idtoken apitoken bearertoken bearer jwt usertoken oauthtoken pat
  bottoken sessiontoken securitytoken devicetoken`);
const secrets =
  list(`secret secrets clientsecret appsecret apisecret sharedsecret secretkey secretaccesskey consumersecret
  credential credentials creds cred signingsecret webhooksecret secrete totpsecret otpsecret mfasecret connectionstring`);
const keys =
  list(`apikey apikeys accesskey privatekey encryptionkey signingkey authkey masterkey accountkey sharedaccesskey
  sharedkey servicekey licensekey storagekey deploykey subscriptionkey consumerkey appkey xapikey authkeys functionskey`);
const headers = list("authorization proxyauthorization xauthorization");
const cookies = list("cookie cookies setcookie sessionid sessid phpsessid jsessionid connectsid sid");
/** Before `key`, what makes a key a secret one. */
const keyed =
  list(`api access secret private auth encryption encrypt encrypted signing sign master account shared service license licence
  storage deploy subscription consumer app admin root hmac jwt personal security webhook integration client project server session
  application developer dev rest write read user organization org workspace crypto ssh symmetric aes live prod test functions host`);

/** Words that turn a secret's name into the name of something about it. */
const about =
  list(`name names path paths file files filename dir directory folder url urls uri uris endpoint endpoints type types kind
  kinds length len size sizes count counts counter limit limits max min minimum maximum index indices idx expires expiry expiration expire
  expired expiring exp ttl age at date time times timeout duration lifetime field fields header headers param params parameter parameters
  regex regexp pattern patterns prefix suffix label labels placeholder hint hints policy policies rule rules strength page enabled disabled
  required requires optional valid validity invalid validation validator algorithm alg format formats version versions usage map store stores
  manager provider providers service services handler handlers factory builder class error errors message messages msg text title
  description component input inputs form reset change changed forgot forgotten info information status state mode scope scopes stream
  position pos start end range ranges code codes char chars set generator parser lexer event events ring board down up press pressed frame
  frames request requests response responses method methods function callback resolver source exchange storage cache helper helpers util utils
  support example schema property properties attribute column table option options setting settings grant audience issuer ids id
  rotation manager metadata object entry entries comparison equal equals ref refs reference references locator hash thumbprint fingerprint
  digest checksum issued verified visible visibility view viewer hidden show toggle confirm confirmation`);
/** Words that make a name benign wherever they stand. */
const benign =
  list(`public pub csrf xsrf gpg pgp fingerprint primary foreign sort partition next page continuation cursor sync progress cancel cancellation cancelation
  stop special num number total prompt completion cached reasoning unk pad bos eos sep mask keyboard keyword keywords hot shortcut
  translation i18n locale cache object idempotency hash range lookup group unique composite surrogate natural candidate map sequence
  dictionary react list item row column registry config query storage storagekey routing registrykey row data value mutation`);

const known = new Map<string, SecretName>();

/** Judges a name by its words: `clientSecret`, `DB_PASSWORD`, `x-api-key`; `passwordLength` and `nextPageToken` are none. */
export function weighName(name: string): SecretName {
  let found = known.get(name);
  if (found === undefined) {
    found = weigh(toWords(name));
    if (known.size >= 4_096) known.clear();
    known.set(name, found);
  }
  return found;
}

const toWords = (name: string): string[] =>
  name
    .slice(0, 128)
    .replace(/([a-z\d])([A-Z])/g, "$1 $2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z\u00e0-\u00ff]+/)
    .filter((word) => word !== "");

function weigh(words: string[]): SecretName {
  const last = words.at(-1);
  if (last === undefined) return none;
  const before = words.at(-2) ?? "";
  const pair = before + last;
  const whole = words.join("");
  const isIn = (set: ReadonlySet<string>): boolean => set.has(last) || set.has(pair) || set.has(whole);
  if (isIn(headers)) return { weight: "password", kind: "authorization" };
  if (last === "hash" && words.some((word) => passwords.has(word))) return { weight: "hint", kind: "password-hash" };
  if (about.has(last) && !secrets.has(pair) && !keys.has(pair)) return aboutOne(words);
  if (isIn(passwords)) return { weight: "password", kind: "password" };
  if (isIn(cookies)) return { weight: "hint", kind: "cookie" };
  if (isIn(secrets)) return { weight: "secret", kind: "secret" };
  if (words.some((word) => benign.has(word))) return none;
  if (isIn(tokens) || last.endsWith("token")) return { weight: "secret", kind: "token" };
  if (isIn(keys) || last.endsWith("apikey")) return { weight: "secret", kind: "api-key" };
  if (last === "key" || last === "keys")
    return { weight: keyed.has(before) ? "secret" : before === "" ? "mention" : "hint", kind: "api-key" };
  if (words.some((word) => passwords.has(word)) || /(passw(or)?d|passphrase)/.test(whole))
    return { weight: "password", kind: "password" };
  if (words.some((word) => secrets.has(word))) return { weight: "secret", kind: "secret" };
  if (words.some((word) => keys.has(word) || tokens.has(word)) || last === "auth" || last.endsWith("key"))
    return { weight: "hint", kind: "secret" };
  if (keyed.has(before) && last === "id") return { weight: "hint", kind: "secret" };
  return none;
}

/** `access_key_id` and `secret_id` name half of a credential; other names about a secret name nothing secret. */
const aboutOne = (words: readonly string[]): SecretName =>
  words.at(-1) === "id" && words.length > 1 && ["key", "secret", "access", "role"].includes(words.at(-2) ?? "")
    ? { weight: "hint", kind: "secret" }
    : none;
