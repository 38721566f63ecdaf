-- Invitations, suspension, sessions that can be told apart. Times are Unix milliseconds, 0 meaning none.

-- +goose Up

-- joined_at is when a member signed in first: until then he is invited. A suspended member stays, so that history keeps his
-- name.
ALTER TABLE member ADD COLUMN joined_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE member ADD COLUMN suspended_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE member ADD COLUMN suspended_by TEXT NOT NULL DEFAULT '';
UPDATE member SET joined_at = coalesce((SELECT min(l.used_at) FROM sign_in_link l WHERE l.member = member.id AND l.used_at > 0), 0);

-- id names a session without its secret; rotate asks for another secret at the next page. Those who are signed in while this
-- is applied sign in again.
DELETE FROM session;
ALTER TABLE session ADD COLUMN id TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN way TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN rotate INTEGER NOT NULL DEFAULT 0;
CREATE INDEX session_member ON session (workspace, member);

-- How a member signs in without a link: a password (argon2id, PHC string) and a second factor. totp is the sealed secret, next_totp
-- one that is not confirmed yet, totp_step the last step whose code was taken: none is taken twice.
CREATE TABLE credential (
  workspace   TEXT NOT NULL REFERENCES workspace (id),
  member      TEXT NOT NULL REFERENCES member (id) ON DELETE CASCADE,
  password    TEXT NOT NULL,
  password_at INTEGER NOT NULL,
  totp        BLOB,
  next_totp   BLOB,
  totp_at     INTEGER NOT NULL,
  totp_step   INTEGER NOT NULL,
  PRIMARY KEY (workspace, member)
) STRICT;

-- hash is the SHA-256 of a code that stands in for the second factor once.
CREATE TABLE recovery_code (
  workspace TEXT NOT NULL REFERENCES workspace (id),
  member    TEXT NOT NULL REFERENCES member (id) ON DELETE CASCADE,
  hash      BLOB NOT NULL,
  PRIMARY KEY (workspace, member, hash)
) STRICT;

-- What lies between the right password and the second factor; one row for each workspace that the password opens.
CREATE TABLE sign_in_step (
  hash       BLOB NOT NULL,
  workspace  TEXT NOT NULL REFERENCES workspace (id),
  member     TEXT NOT NULL REFERENCES member (id) ON DELETE CASCADE,
  expires_at INTEGER NOT NULL,
  tries      INTEGER NOT NULL,
  PRIMARY KEY (hash, member)
) STRICT;
