-- Invitations, suspension, sessions that can be told apart. Times are Unix milliseconds, 0 meaning none.

-- +goose Up

-- joined_at is when a member signed in first: until then he is invited. A suspended member stays, so that history keeps his
-- name.
ALTER TABLE member ADD COLUMN joined_at bigint NOT NULL DEFAULT 0;
ALTER TABLE member ADD COLUMN suspended_at bigint NOT NULL DEFAULT 0;
ALTER TABLE member ADD COLUMN suspended_by text NOT NULL DEFAULT '';
UPDATE member SET joined_at = coalesce((SELECT min(l.used_at) FROM sign_in_link l WHERE l.member = member.id AND l.used_at > 0), 0);

-- id names a session without its secret; rotate asks for another secret at the next page. Those who are signed in while this
-- is applied sign in again.
DELETE FROM session;
ALTER TABLE session ADD COLUMN id text NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN address text NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN way text NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN rotate bigint NOT NULL DEFAULT 0;
CREATE INDEX session_member ON session (workspace, member);

-- How a member signs in without a link: a password (argon2id, PHC string) and a second factor. totp is the sealed secret, next_totp
-- one that is not confirmed yet, totp_step the last step whose code was taken: none is taken twice.
CREATE TABLE credential (
  workspace   text NOT NULL REFERENCES workspace (id),
  member      text NOT NULL REFERENCES member (id) ON DELETE CASCADE,
  password    text NOT NULL,
  password_at bigint NOT NULL,
  totp        bytea,
  next_totp   bytea,
  totp_at     bigint NOT NULL,
  totp_step   bigint NOT NULL,
  PRIMARY KEY (workspace, member)
);

-- hash is the SHA-256 of a code that stands in for the second factor once.
CREATE TABLE recovery_code (
  workspace text NOT NULL REFERENCES workspace (id),
  member    text NOT NULL REFERENCES member (id) ON DELETE CASCADE,
  hash      bytea NOT NULL,
  PRIMARY KEY (workspace, member, hash)
);

-- What lies between the right password and the second factor; one row for each workspace that the password opens.
CREATE TABLE sign_in_step (
  hash       bytea NOT NULL,
  workspace  text NOT NULL REFERENCES workspace (id),
  member     text NOT NULL REFERENCES member (id) ON DELETE CASCADE,
  expires_at bigint NOT NULL,
  tries      bigint NOT NULL,
  PRIMARY KEY (hash, member)
);
