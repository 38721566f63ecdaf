-- Approvals: what a person began in the browser and has not finished. Times are Unix milliseconds, 0 meaning none.

-- +goose Up

-- hash is that of the link, which is stored nowhere; connection is empty for a new one; token is sealed.
CREATE TABLE approval (
  hash       BLOB PRIMARY KEY,
  workspace  TEXT NOT NULL REFERENCES workspace (id),
  member     TEXT NOT NULL REFERENCES member (id),
  source     TEXT NOT NULL,
  connection TEXT NOT NULL,
  server     TEXT NOT NULL,
  name       TEXT NOT NULL,
  step       TEXT NOT NULL,
  missing    TEXT NOT NULL,
  token      BLOB,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX approval_expires ON approval (expires_at);
