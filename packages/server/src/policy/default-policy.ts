/** The file beside the policies that tells editors how they are written. */
export const schemaFile = "policy.schema.json";

/**
 * The policy that a new data folder begins with: the owner may search and read what is served, but for what usually holds secrets. It is meant to
 * be read and edited.
 */
export const defaultPolicy = (): string => `# yaml-language-server: $schema=${schemaFile}
# What may reach your data through Portcullis. Every .yaml file in this folder counts, and an edit takes
# effect within a second. What no scope allows is denied; a deny beats every allow, in whatever order they
# stand. \`portcullis policy check\` tells what is wrong with these files, \`portcullis policy explain\` why a
# call is allowed or refused.

# Whom the scopes below are for. A token's subject is set when it is made:
#   portcullis token create laptop --subject duck@home
# The token that was printed at the first start is the owner's. "*@home" would be everyone at home, "*" everyone.
subject: owner

# Whether a call has to say what it is for. required: a client's default purpose counts too; stated: only one
# given with the call itself; optional: none is needed.
purpose: required

scopes:
  # Reading the folders that the server serves: search, and the documents, files and history that it finds.
  - tool: [search, fetch, "index.*", "vault.*", fs.readFile, fs.list, fs.stat, fs.grep, fs.watch, git.log, git.diff, git.show, git.blame, git.search, git.subscribe]
    allow:
      # @served is every served folder, @NAME the served folder of that name, ~ your home. * stands for a
      # part of one name, ** for any number of folders: "@served/**" is each folder with all below it.
      - "@served/**"
    deny:
      # A folder of your own for what no client should see.
      - "@served/private/**"
      # Settings with passwords and keys in them, anywhere.
      - "**/.env*"
      - "**/*.env"
      - "**/.envrc"
      - "**/.npmrc"
      - "**/.pypirc"
      - "**/.netrc"
      - "**/.pgpass"
      - "**/.my.cnf"
      - "**/.htpasswd"
      - "**/.git-credentials"
      - "**/credentials"
      - "**/.credentials*"
      - "**/*credentials*.json"
      - "**/*credentials*.yaml"
      - "**/*credentials*.yml"
      - "**/*credentials*.toml"
      - "**/*credentials*.ini"
      - "**/*credentials*.csv"
      - "**/*secret*.json"
      - "**/*secret*.yaml"
      - "**/*secret*.yml"
      - "**/*secret*.toml"
      - "**/*.tfvars"
      - "**/*.tfstate*"
      # Private keys, and the folders of programs that keep keys.
      - "**/*.pem"
      - "**/*.key"
      - "**/*.p12"
      - "**/*.pfx"
      - "**/*.ppk"
      - "**/*.jks"
      - "**/*.keystore"
      - "**/*.kdbx"
      - "**/id_rsa*"
      - "**/id_dsa*"
      - "**/id_ecdsa*"
      - "**/id_ed25519*"
      - "**/.ssh/**"
      - "**/.gnupg/**"
      - "**/.aws/**"
      - "**/.azure/**"
      - "**/.kube/**"
      - "**/.docker/config.json"
      - "**/.config/gcloud/**"
      - "**/.config/gh/**"
      - "**/.password-store/**"

  # The inside of git repositories: git.log tells their history, file by file, under the rules above.
  - tool: [search, fetch, "index.*", "vault.*", "fs.*"]
    deny: ["**/.git/**"]

# More to try, one line each:
#   rate:    { perMinute: 60, burst: 30 }       a scope's own speed limit
#   redact:  { patterns: ["(?i)project-\\\\d+"] }   mask what matches, beside the built-in detectors
#   expires: 2030-01-31                         the scope ends by itself
# and a scope for web pages, which are closed until you name them:
#   - tool: http.fetch
#     allow: ["https://raw.githubusercontent.com/me/**"]
`;

/** What the first policy hides in every served folder: settings with passwords, keys, the inside of git. */
export const defaultDenials = (): readonly string[] =>
  [...defaultPolicy().matchAll(/^ {6}- "(.+)"$/gm)]
    .flatMap(([, pattern]) => (pattern === undefined || pattern === "@served/**" ? [] : [pattern]))
    .concat("**/.git/**");
