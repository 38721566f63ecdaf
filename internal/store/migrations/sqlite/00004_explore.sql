-- What people do with events that they look at. Times are Unix milliseconds, 0 meaning none.

-- +goose Up

-- A filter under a name. lapse is a range up to now, such as 7d; without it the time is from_at to to_at. matches is
-- written as the command line takes it: KEY=VALUE pieces.
CREATE TABLE saved_filter (
  id         TEXT PRIMARY KEY,
  workspace  TEXT NOT NULL REFERENCES workspace (id),
  member     TEXT NOT NULL,
  name       TEXT NOT NULL,
  shared     INTEGER NOT NULL,
  lapse      TEXT NOT NULL,
  from_at    INTEGER NOT NULL,
  to_at      INTEGER NOT NULL,
  connection TEXT NOT NULL,
  stream     TEXT NOT NULL,
  matches    TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX saved_filter_name ON saved_filter (workspace, member, name);

-- Events taken away as a file. total is how many were counted before it began; touched_at says that the work goes on.
CREATE TABLE event_export (
  id          TEXT PRIMARY KEY,
  workspace   TEXT NOT NULL REFERENCES workspace (id),
  member      TEXT NOT NULL,
  format      TEXT NOT NULL,
  words       TEXT NOT NULL,
  state       TEXT NOT NULL,
  total       INTEGER NOT NULL,
  written     INTEGER NOT NULL,
  size        INTEGER NOT NULL,
  sha256      TEXT NOT NULL,
  problem     TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  touched_at  INTEGER NOT NULL,
  finished_at INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX event_export_member ON event_export (workspace, member, created_at);
CREATE INDEX event_export_expires ON event_export (expires_at);

-- What tells artifacts of one recipe and period apart, such as the filter that they were made with.
ALTER TABLE artifact ADD COLUMN variant TEXT NOT NULL DEFAULT '';
DROP INDEX artifact_derived;
CREATE UNIQUE INDEX artifact_derived ON artifact (workspace, recipe, from_at, to_at, variant) WHERE kind = 'derived';
