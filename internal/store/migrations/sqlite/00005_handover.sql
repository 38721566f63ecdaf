-- Handovers of a stream from one token to the next, and when a stream is to be read next. Times are Unix milliseconds, 0
-- meaning none.

-- +goose Up

ALTER TABLE stream ADD COLUMN next_read_at INTEGER NOT NULL DEFAULT 0;
-- The handover whose new token has not read the stream yet.
ALTER TABLE stream ADD COLUMN handover_at INTEGER NOT NULL DEFAULT 0;

-- old_…: how far the old token had come; new_…: the first answer with the new one.
CREATE TABLE handover (
  stream      INTEGER NOT NULL REFERENCES stream (id),
  at          INTEGER NOT NULL,
  kind        TEXT NOT NULL,
  old_mark    TEXT NOT NULL,
  new_mark    TEXT NOT NULL,
  old_read_at INTEGER NOT NULL,
  old_through INTEGER NOT NULL,
  new_read_at INTEGER NOT NULL,
  new_through INTEGER NOT NULL,
  PRIMARY KEY (stream, at)
) STRICT, WITHOUT ROWID;
