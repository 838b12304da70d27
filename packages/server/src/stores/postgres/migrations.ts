/**
 * The schema as steps, of which none is ever changed. A step may be seen by a replica of the version before: it adds what that one does not need, and
 * takes nothing away that it does.
 */
export const migrations: readonly string[] = [
  `CREATE TABLE $schema.tokens (
     id text PRIMARY KEY, name text NOT NULL, subject text NOT NULL, hash text NOT NULL UNIQUE, owner boolean NOT NULL,
     created_at bigint NOT NULL, expires_at bigint, revoked_at bigint
   );
   CREATE INDEX tokens_by_name ON $schema.tokens (name);
   CREATE TABLE $schema.sessions (
     id text PRIMARY KEY, token_id text NOT NULL, subject text NOT NULL, door text NOT NULL, client text NOT NULL,
     created_at bigint NOT NULL, expires_at bigint NOT NULL
   );
   CREATE INDEX sessions_by_token ON $schema.sessions (token_id, expires_at);
   CREATE INDEX sessions_by_end ON $schema.sessions (expires_at);
   CREATE TABLE $schema.oauth (
     kind text NOT NULL, id text NOT NULL, alias text, "grant" text, body text NOT NULL,
     created_at bigint NOT NULL, expires_at bigint, consumed_at bigint, PRIMARY KEY (kind, id)
   );
   CREATE INDEX oauth_by_alias ON $schema.oauth (kind, alias) WHERE alias IS NOT NULL;
   CREATE INDEX oauth_by_grant ON $schema.oauth ("grant") WHERE "grant" IS NOT NULL;
   CREATE INDEX oauth_by_end ON $schema.oauth (expires_at) WHERE expires_at IS NOT NULL;`,
  `CREATE TABLE $schema.consent_requests (
     id text PRIMARY KEY, question text NOT NULL, subject text NOT NULL, state text NOT NULL, times integer NOT NULL,
     further integer NOT NULL, created_at bigint NOT NULL, expires_at bigint NOT NULL, answer text, body text NOT NULL
   );
   CREATE INDEX consent_requests_by_question ON $schema.consent_requests (question, expires_at);
   CREATE INDEX consent_requests_by_state ON $schema.consent_requests (state, expires_at);
   CREATE TABLE $schema.consent_calls (audit_id text PRIMARY KEY, request text NOT NULL);
   CREATE INDEX consent_calls_by_request ON $schema.consent_calls (request);
   CREATE TABLE $schema.consent_grants (
     id text PRIMARY KEY, request text NOT NULL, once boolean NOT NULL, expires_at bigint, body text NOT NULL
   );
   CREATE TABLE $schema.policies (path text PRIMARY KEY, text text NOT NULL);
   CREATE TABLE $schema.flows (
     id text PRIMARY KEY, subject text NOT NULL, "grant" text NOT NULL, state text NOT NULL, opened_at bigint NOT NULL, read_at bigint NOT NULL
   );
   CREATE INDEX flows_by_read ON $schema.flows (read_at);
   CREATE TABLE $schema.flow_marks (uri text PRIMARY KEY, labels text NOT NULL);`,
  `CREATE TABLE $schema.connector_audit (
     origin text NOT NULL, seq bigint NOT NULL, hash text NOT NULL, body text NOT NULL, id text, at timestamptz, kind text, subject text,
     session text, transport text, tool text, decision text, rule text, outcome text, purpose text, turn text, duration_us bigint,
     PRIMARY KEY (origin, seq)
   );
   CREATE INDEX connector_audit_by_id ON $schema.connector_audit (id);
   CREATE INDEX connector_audit_by_time ON $schema.connector_audit (at);
   CREATE INDEX connector_audit_by_subject ON $schema.connector_audit (subject, at);
   CREATE TABLE $schema.audit_chains (origin text PRIMARY KEY, keys text NOT NULL, name text NOT NULL, since bigint NOT NULL);
   CREATE TABLE $schema.audit_checkpoints (origin text NOT NULL, size bigint NOT NULL, note text NOT NULL, PRIMARY KEY (origin, size));`,
];
