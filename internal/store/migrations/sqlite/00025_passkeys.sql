-- Passkeys: public keys with which members sign in. Times are Unix milliseconds, 0 meaning none.

-- +goose Up

-- id is the credential's, as base64url; credential is its record as JSON: a public key and a counter, no secret.
CREATE TABLE passkey (
  id         TEXT PRIMARY KEY,
  workspace  TEXT NOT NULL REFERENCES workspace (id),
  member     TEXT NOT NULL REFERENCES member (id) ON DELETE CASCADE,
  name       TEXT NOT NULL,
  credential TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  used_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX passkey_member ON passkey (workspace, member);
