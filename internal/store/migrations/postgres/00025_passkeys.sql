-- Passkeys: public keys with which members sign in. Times are Unix milliseconds, 0 meaning none.

-- +goose Up

-- id is the credential's, as base64url; credential is its record as JSON: a public key and a counter, no secret.
CREATE TABLE passkey (
  id         text PRIMARY KEY,
  workspace  text NOT NULL REFERENCES workspace (id),
  member     text NOT NULL REFERENCES member (id) ON DELETE CASCADE,
  name       text NOT NULL,
  credential text NOT NULL,
  created_at bigint NOT NULL,
  used_at    bigint NOT NULL
);
CREATE INDEX passkey_member ON passkey (workspace, member);
