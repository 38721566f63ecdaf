-- API tokens, and who is told what. Times are Unix milliseconds, 0 meaning none.

-- +goose Up

-- hash is the SHA-256 of a token that is stored nowhere. A token goes with its member.
CREATE TABLE api_token (
  id           TEXT PRIMARY KEY,
  workspace    TEXT NOT NULL REFERENCES workspace (id),
  member       TEXT NOT NULL REFERENCES member (id) ON DELETE CASCADE,
  name         TEXT NOT NULL,
  hash         BLOB NOT NULL UNIQUE,
  scopes       TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  created_by   TEXT NOT NULL,
  expires_at   INTEGER NOT NULL,
  last_used_at INTEGER NOT NULL,
  revoked_at   INTEGER NOT NULL,
  revoked_by   TEXT NOT NULL
) STRICT;
CREATE INDEX api_token_workspace ON api_token (workspace, created_at);
CREATE INDEX api_token_member ON api_token (member);

-- Whose turn it is to tell, so that of several processes one does. A workspace without a row has the default hour.
CREATE TABLE telling (
  workspace   TEXT PRIMARY KEY REFERENCES workspace (id),
  digest_hour INTEGER NOT NULL,
  holder      TEXT NOT NULL,
  held_until  INTEGER NOT NULL
) STRICT;

-- address is what may be seen of a channel, secret what may not, sealed; next_at is when it is tried again after failures.
CREATE TABLE channel (
  id         TEXT PRIMARY KEY,
  workspace  TEXT NOT NULL REFERENCES workspace (id),
  kind       TEXT NOT NULL,
  name       TEXT NOT NULL,
  address    TEXT NOT NULL,
  secret     BLOB NOT NULL,
  tells      TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  digest_at  INTEGER NOT NULL,
  sent_at    INTEGER NOT NULL,
  failures   INTEGER NOT NULL,
  failed_at  INTEGER NOT NULL,
  failure    TEXT NOT NULL,
  next_at    INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX channel_name ON channel (workspace, name);

-- What a channel was told and has not been told the end of. It is told again when stage grows, or something new begins
-- after upto.
CREATE TABLE notice (
  workspace TEXT NOT NULL REFERENCES workspace (id),
  channel   TEXT NOT NULL REFERENCES channel (id) ON DELETE CASCADE,
  fact      TEXT NOT NULL,
  kind      TEXT NOT NULL,
  stage     INTEGER NOT NULL,
  title     TEXT NOT NULL,
  href      TEXT NOT NULL,
  upto      INTEGER NOT NULL,
  urgent    INTEGER NOT NULL,
  told_at   INTEGER NOT NULL,
  PRIMARY KEY (workspace, channel, fact)
) STRICT;
