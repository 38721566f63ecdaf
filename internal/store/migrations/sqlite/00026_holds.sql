-- Legal holds. Times are Unix milliseconds, 0 meaning none.

-- +goose Up

-- from_at and to_at say which events are held, both 0 those of all times; connection empty: of all. A hold is reviewed and
-- released by changing its row; what it was before stands in the log.
CREATE TABLE legal_hold (
  workspace   TEXT NOT NULL REFERENCES workspace (id),
  id          TEXT NOT NULL,
  code        TEXT NOT NULL,
  reason      TEXT NOT NULL,
  from_at     INTEGER NOT NULL,
  to_at       INTEGER NOT NULL,
  connection  TEXT NOT NULL,
  owner       TEXT NOT NULL REFERENCES member (id),
  review_at   INTEGER NOT NULL,
  placed_at   INTEGER NOT NULL,
  placed_by   TEXT NOT NULL,
  reviewed_at INTEGER NOT NULL,
  reviewed_by TEXT NOT NULL,
  review_note TEXT NOT NULL,
  released_at INTEGER NOT NULL,
  released_by TEXT NOT NULL,
  release     TEXT NOT NULL,
  PRIMARY KEY (workspace, id)
) STRICT;

-- Channels that chose what they are told are told of holds whose review is due, too.
UPDATE channel SET tells = tells || ' hold' WHERE tells <> '';
