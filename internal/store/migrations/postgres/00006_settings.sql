-- API tokens, and who is told what. Times are Unix milliseconds, 0 meaning none.

-- +goose Up

-- hash is the SHA-256 of a token that is stored nowhere. A token goes with its member.
CREATE TABLE api_token (
  id           text PRIMARY KEY,
  workspace    text NOT NULL REFERENCES workspace (id),
  member       text NOT NULL REFERENCES member (id) ON DELETE CASCADE,
  name         text NOT NULL,
  hash         bytea NOT NULL UNIQUE,
  scopes       text NOT NULL,
  created_at   bigint NOT NULL,
  created_by   text NOT NULL,
  expires_at   bigint NOT NULL,
  last_used_at bigint NOT NULL,
  revoked_at   bigint NOT NULL,
  revoked_by   text NOT NULL
);
CREATE INDEX api_token_workspace ON api_token (workspace, created_at);
CREATE INDEX api_token_member ON api_token (member);

-- Whose turn it is to tell, so that of several processes one does. A workspace without a row has the default hour.
CREATE TABLE telling (
  workspace   text PRIMARY KEY REFERENCES workspace (id),
  digest_hour bigint NOT NULL,
  holder      text NOT NULL,
  held_until  bigint NOT NULL
);

-- address is what may be seen of a channel, secret what may not, sealed; next_at is when it is tried again after failures.
CREATE TABLE channel (
  id         text PRIMARY KEY,
  workspace  text NOT NULL REFERENCES workspace (id),
  kind       text NOT NULL,
  name       text NOT NULL,
  address    text NOT NULL,
  secret     bytea NOT NULL,
  tells      text NOT NULL,
  created_at bigint NOT NULL,
  created_by text NOT NULL,
  digest_at  bigint NOT NULL,
  sent_at    bigint NOT NULL,
  failures   bigint NOT NULL,
  failed_at  bigint NOT NULL,
  failure    text NOT NULL,
  next_at    bigint NOT NULL
);
CREATE UNIQUE INDEX channel_name ON channel (workspace, name);

-- What a channel was told and has not been told the end of. It is told again when stage grows, or something new begins
-- after upto.
CREATE TABLE notice (
  workspace text NOT NULL REFERENCES workspace (id),
  channel   text NOT NULL REFERENCES channel (id) ON DELETE CASCADE,
  fact      text NOT NULL,
  kind      text NOT NULL,
  stage     bigint NOT NULL,
  title     text NOT NULL,
  href      text NOT NULL,
  upto      bigint NOT NULL,
  urgent    bigint NOT NULL,
  told_at   bigint NOT NULL,
  PRIMARY KEY (workspace, channel, fact)
);
