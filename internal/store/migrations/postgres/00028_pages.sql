-- Places of artifact versions in the log, and what lies between the two steps of a passkey. Times are Unix milliseconds, 0 meaning
-- none.

-- +goose Up

-- leaf is the place in the log of the leaf that tells of the version, which never changes; -1 until it is known, which is when
-- the next program that opens the database has looked, and -2 if the log does not tell of it.
ALTER TABLE artifact_version ADD COLUMN leaf bigint NOT NULL DEFAULT -1;
CREATE INDEX artifact_version_unplaced ON artifact_version (artifact) WHERE leaf = -1;

-- proven_at is when the person of a session last proved with a passkey that it is he.
ALTER TABLE session ADD COLUMN proven_at bigint NOT NULL DEFAULT 0;

-- The server's half of adding a passkey, of signing in or of proving oneself with one: used once, by the browser that has the secret with that hash.
-- workspace and member are NULL where nobody is known before he has signed in. data is JSON, with nothing in it that is secret.
CREATE TABLE ceremony (
  hash       bytea PRIMARY KEY,
  purpose    text NOT NULL,
  workspace  text REFERENCES workspace (id),
  member     text REFERENCES member (id) ON DELETE CASCADE,
  data       text NOT NULL,
  expires_at bigint NOT NULL
);
CREATE INDEX ceremony_expires ON ceremony (expires_at);
