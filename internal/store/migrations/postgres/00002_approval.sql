-- Approvals: what a person began in the browser and has not finished. Times are Unix milliseconds, 0 meaning none.

-- +goose Up

-- hash is that of the link, which is stored nowhere; connection is empty for a new one; token is sealed.
CREATE TABLE approval (
  hash       bytea PRIMARY KEY,
  workspace  text NOT NULL REFERENCES workspace (id),
  member     text NOT NULL REFERENCES member (id),
  source     text NOT NULL,
  connection text NOT NULL,
  server     text NOT NULL,
  name       text NOT NULL,
  step       text NOT NULL,
  missing    text NOT NULL,
  token      bytea,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  used_at    bigint NOT NULL
);
CREATE INDEX approval_expires ON approval (expires_at);
