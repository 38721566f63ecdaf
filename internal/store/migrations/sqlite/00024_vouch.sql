-- Who vouches for checkpoints from outside: witnesses and time-stamping authorities. Times are Unix milliseconds, 0 meaning none.

-- +goose Up

-- stamped_at is the time that the token vouches for.
ALTER TABLE log_checkpoint ADD COLUMN stamped_at INTEGER NOT NULL DEFAULT 0;

-- What became of asking each of them. name is a witness's verifier key or an authority's address; size is that of the last
-- checkpoint that it vouched for, and good_at when; failed_at is when it began to fail, 0 if it does not.
CREATE TABLE log_voucher (
  workspace INTEGER NOT NULL REFERENCES log (workspace),
  kind      TEXT NOT NULL,
  name      TEXT NOT NULL,
  url       TEXT NOT NULL,
  size      INTEGER NOT NULL,
  good_at   INTEGER NOT NULL,
  failed_at INTEGER NOT NULL,
  failure   TEXT NOT NULL,
  PRIMARY KEY (workspace, kind, name)
) STRICT;
