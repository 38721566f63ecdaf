-- What people do with events that they look at. Times are Unix milliseconds, 0 meaning none.

-- +goose Up

-- A filter under a name. lapse is a range up to now, such as 7d; without it the time is from_at to to_at. matches is
-- written as the command line takes it: KEY=VALUE pieces.
CREATE TABLE saved_filter (
  id         text PRIMARY KEY,
  workspace  text NOT NULL REFERENCES workspace (id),
  member     text NOT NULL,
  name       text NOT NULL,
  shared     bigint NOT NULL,
  lapse      text NOT NULL,
  from_at    bigint NOT NULL,
  to_at      bigint NOT NULL,
  connection text NOT NULL,
  stream     text NOT NULL,
  matches    text NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL
);
CREATE UNIQUE INDEX saved_filter_name ON saved_filter (workspace, member, name);

-- Events taken away as a file. total is how many were counted before it began; touched_at says that the work goes on.
CREATE TABLE event_export (
  id          text PRIMARY KEY,
  workspace   text NOT NULL REFERENCES workspace (id),
  member      text NOT NULL,
  format      text NOT NULL,
  words       text NOT NULL,
  state       text NOT NULL,
  total       bigint NOT NULL,
  written     bigint NOT NULL,
  size        bigint NOT NULL,
  sha256      text NOT NULL,
  problem     text NOT NULL,
  created_at  bigint NOT NULL,
  touched_at  bigint NOT NULL,
  finished_at bigint NOT NULL,
  expires_at  bigint NOT NULL
);
CREATE INDEX event_export_member ON event_export (workspace, member, created_at);
CREATE INDEX event_export_expires ON event_export (expires_at);

-- What tells artifacts of one recipe and period apart, such as the filter that they were made with.
ALTER TABLE artifact ADD COLUMN variant text NOT NULL DEFAULT '';
DROP INDEX artifact_derived;
CREATE UNIQUE INDEX artifact_derived ON artifact (workspace, recipe, from_at, to_at, variant) WHERE kind = 'derived';
