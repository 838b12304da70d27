import { isPlaceholder, lookAt } from "./look.ts";

/** kind, then its prefixes, then how many characters must follow at least. The mask covers the whole token. */
const table: readonly (readonly [kind: string, prefixes: string, least: number])[] = [
  ["portcullis-token", "pcl_ pcs_", 16],
  ["aws-access-key", "AKIA ASIA ABIA ACCA A3TA A3TX A3TZ A3T0 AROA AIDA AGPA ANPA ANVA APKA", 16],
  ["aws-model-key", "ABSK bedrock-api-key-", 24],
  ["github-token", "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_", 20],
  [
    "gitlab-token",
    "glpat- gldt- glrt- glrtr- glcbt- glptt- glft- glimt- glagent- gloas- glsoat- glffct- GR1348941",
    18,
  ],
  ["gitlab-session", "_gitlab_session=", 16],
  ["slack-token", "xoxb- xoxp- xoxa- xoxo- xoxr- xoxs- xoxc- xoxd- xoxe- xoxe. xapp- xwfp-", 12],
  ["stripe-key", "sk_live_ sk_test_ sk_prod_ rk_live_ rk_test_ rk_prod_ whsec_ pk_live_", 10],
  ["anthropic-key", "sk-ant-", 20],
  ["openai-key", "sk-proj- sk-svcacct- sk-admin- sk-None- sk-or-", 20],
  ["openai-key", "sk-", 20],
  ["google-api-key", "AIza", 30],
  ["google-oauth", "ya29. GOCSPX- 1//0", 20],
  ["npm-token", "npm_", 30],
  ["pypi-token", "pypi-AgE pypi-", 40],
  ["sendgrid-key", "SG.", 30],
  ["twilio-key", "SK AC", 32],
  ["digitalocean-token", "dop_v1_ doo_v1_ dor_v1_", 32],
  ["huggingface-token", "hf_ api_org_", 24],
  ["linear-key", "lin_api_ lin_oauth_", 24],
  ["shopify-token", "shpat_ shpca_ shppa_ shpss_ shptka_", 24],
  ["square-token", "EAAAl EAAAE sq0atp- sq0csp- sq0idp-", 20],
  ["facebook-token", "EAAM EAAC EAAB EAAG EAAD", 60],
  ["doppler-token", "dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.", 24],
  ["vault-token", "hvs. hvb. hvr.", 20],
  ["age-key", "AGE-SECRET-KEY-1 AGE-PLUGIN-", 30],
  ["onepassword-key", "ops_eyJ A3-", 30],
  ["atlassian-token", "ATATT3 ATCTT3 ATBB", 24],
  ["mailgun-key", "key- pubkey-", 30],
  ["telegram-token", "bot", 40],
  ["cloudflare-key", "v1.0-", 80],
  ["databricks-token", "dapi", 32],
  ["alibaba-key", "LTAI", 16],
  ["tencent-key", "AKID", 28],
  ["yandex-key", "AQVN YCAJ YC t1.", 34],
  ["artifactory-key", "AKCp cmVmd", 56],
  ["adobe-secret", "p8e- p8", 32],
  ["grafana-key", "glc_ glsa_ eyJrIjoi", 20],
  ["sentry-token", "sntrys_ sntryu_ sntrya_", 40],
  ["planetscale-token", "pscale_tkn_ pscale_pw_ pscale_oauth_", 20],
  ["dynatrace-token", "dt0c01. dt0s01. dt0s16.", 60],
  ["easypost-key", "EZAK EZTK", 50],
  ["new-relic-key", "NRAK- NRJS- NRII- NRRA- NRBR-", 16],
  ["postman-key", "PMAK-", 40],
  ["pulumi-token", "pul-", 38],
  ["harness-token", "pat. sat.", 40],
  ["authress-key", "sc_ ext_ scauth_ authress_", 50],
  ["rubygems-key", "rubygems_", 40],
  ["databento-key", "db-", 28],
  ["groq-key", "gsk_", 40],
  ["perplexity-key", "pplx-", 40],
  ["xai-key", "xai-", 40],
  ["replicate-token", "r8_", 30],
  ["notion-token", "ntn_ secret_", 40],
  ["figma-token", "figd_ figo_ figh_ figoh_", 30],
  ["docker-token", "dckr_pat_ dckr_oat_", 18],
  ["tailscale-key", "tskey-", 20],
  ["vercel-token", "vcp_ vci_ vca_ vcr_ vck_", 20],
  ["cloudflare-token", "cfat_ cfut_ cfk_", 20],
  ["sonar-token", "squ_ sqp_ sqa_", 40],
  ["sourcegraph-token", "sgp_ slk_", 40],
  ["supabase-key", "sbp_ sb_secret_", 30],
  ["fly-token", "fo1_ fm1_ fm1a_ fm2_ fm1r_", 40],
  ["openshift-token", "sha256~", 40],
  ["plaid-token", "access-production- access-sandbox- access-development-", 36],
  ["jfrog-token", "eyJ2ZXIiOi", 40],
  ["vault-token", "s.", 24],
  ["octopus-key", "API-", 25],
  ["clickhouse-key", "4b1d", 38],
  ["clojars-token", "CLOJARS_", 60],
  ["dnkey", "dnkey-", 60],
  ["flutterwave-key", "FLWSECK FLWPUBK", 16],
  ["frameio-token", "fio-u-", 60],
  ["defined-token", "duffel_ shippo_ settlemint_ sm_aat_ sm_pat_ sm_sat_ rdme_ ico- tk-us- prefect_ pnu_ HRKU- EZ", 16],
  ["planetscale-token", "pscale_", 28],
  ["infracost-key", "ico-", 32],
  ["private-key", "xprv yprv zprv", 100],
];

interface Rule {
  readonly kind: string;
  readonly prefix: string;
  readonly least: number;
}

const rules = new Map<number, Rule[]>();
for (const [kind, prefixes, least] of table) {
  for (const prefix of prefixes.split(" ")) {
    const key = prefix.charCodeAt(0) * 128 + prefix.charCodeAt(1);
    rules.set(key, [...(rules.get(key) ?? []), { kind, prefix, least }]);
  }
}
const starts = new Uint8Array(128 * 128);
for (const key of rules.keys()) starts[key] = 1;

/** Whether a token may begin as a provider's does: asked of every token, so it is one look-up. */
export function mayBeProvider(text: string, start: number): boolean {
  const key = text.charCodeAt(start) * 128 + text.charCodeAt(start + 1);
  return key < starts.length && starts[key] === 1;
}

/** Prefixes so short or common that what follows must look drawn by chance. */
const weak =
  /^(?:sk-|SK|AC|s\.|db-|key-|pubkey-|AGE-PLUGIN-|API-|bot|dapi|p8|p8e-|YC|pat\.|sat\.|sc_|ext_|t1\.|A3-|EAA[BCDGM]|AK[IC]|EZ|hf_|secret_|eyJ|xai-|pul-|npm_|r8_|LTAI|ABSK|4b1d|cmVmd|A3T|AROA|AIDA|AGPA|ANPA|ANVA|APKA|ABIA|ACCA|ASIA|AKIA)/;
const upperOnly = /^[A-Z0-9]{16}(?![A-Z0-9a-z])/;

/** The kind of provider's key that a token is, judged by its prefix, its length, and that it is no example of x's. */
export function providerOf(token: string): string | undefined {
  const key = token.charCodeAt(0) * 128 + token.charCodeAt(1);
  for (const { kind, prefix, least } of rules.get(key) ?? []) {
    if (token.length < prefix.length + least || !token.startsWith(prefix)) continue;
    const body = token.slice(prefix.length);
    const look = lookAt(body);
    if (kind === "aws-access-key" && !upperOnly.test(body)) continue;
    if ((look.distinct < 4 && kind !== "age-key") || /x{8}|X{8}|\*{4}/.test(body)) continue;
    if (kind === "openai-key" && prefix === "sk-" && look.digits < 2) continue;
    if (
      (kind === "twilio-key" && !/^[0-9a-f]{32}(?![0-9a-z])/i.test(body)) ||
      (kind === "telegram-token" && !/^\d{6,12}:/.test(body))
    )
      continue;
    if (
      weak.test(prefix) &&
      kind !== "aws-access-key" &&
      (look.digits < 2 ? look.turns < 6 : look.turns < 4) &&
      kind !== "age-key"
    )
      continue;
    if (look.digits === 0 && look.turns < 3 && kind !== "age-key") continue;
    if (prefix === "A3-" && !/^[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-(?:[A-Z0-9]{5}-?){2,3}/.test(body))
      continue;
    if (prefix === "s." && !/^[A-Za-z0-9]{24}(?![A-Za-z0-9])/.test(body)) continue;
    if (kind !== "age-key" && isPlaceholder(body) && look.distinct < 6) continue;
    return kind;
  }
  return undefined;
}
