-- Reviews of artifacts, schedules that build them, and what becomes of proposed attachments. Times are Unix milliseconds,
-- 0 meaning none.

-- +goose Up

-- The member who made a version, where it was one: a name can be shared, and he may never review it.
ALTER TABLE artifact_version ADD COLUMN built_member TEXT NOT NULL DEFAULT '';

-- What people concluded. A row is never changed: a second opinion is a second row. leaf is its place in the log, and the order.
CREATE TABLE review (
  workspace TEXT NOT NULL REFERENCES workspace (id),
  id        TEXT NOT NULL,
  artifact  TEXT NOT NULL REFERENCES artifact (id),
  version   INTEGER NOT NULL,
  digest    TEXT NOT NULL,
  verdict   TEXT NOT NULL,
  reason    TEXT NOT NULL,
  at        INTEGER NOT NULL,
  reviewer  TEXT NOT NULL,
  member    TEXT NOT NULL,
  leaf      INTEGER NOT NULL,
  PRIMARY KEY (workspace, id)
) STRICT;
CREATE INDEX review_artifact ON review (workspace, artifact, leaf);

-- A recipe that is built for each period that ends after since_at, once it has settled.
CREATE TABLE schedule (
  workspace   TEXT NOT NULL REFERENCES workspace (id),
  id          TEXT NOT NULL,
  recipe      TEXT NOT NULL,
  cadence     TEXT NOT NULL,
  settle_days INTEGER NOT NULL,
  parameters  TEXT NOT NULL,
  since_at    INTEGER NOT NULL,
  done_until  INTEGER NOT NULL,
  artifact    TEXT NOT NULL,
  failure     TEXT NOT NULL,
  failed_at   INTEGER NOT NULL,
  created_at  INTEGER NOT NULL,
  created_by  TEXT NOT NULL,
  member      TEXT NOT NULL,
  stopped_at  INTEGER NOT NULL,
  stopped_by  TEXT NOT NULL,
  PRIMARY KEY (workspace, id)
) STRICT;
CREATE UNIQUE INDEX schedule_running ON schedule (workspace, recipe, cadence, parameters) WHERE stopped_at = 0;

-- How attachments from mappings are made, and which process has the turn to build what is scheduled.
CREATE TABLE evidence_setting (
  workspace  TEXT PRIMARY KEY REFERENCES workspace (id),
  attach     TEXT NOT NULL,
  holder     TEXT NOT NULL,
  held_until INTEGER NOT NULL
) STRICT;

-- Proposed attachments that somebody declined, so that they are not proposed again.
CREATE TABLE attachment_declined (
  workspace TEXT NOT NULL REFERENCES workspace (id),
  artifact  TEXT NOT NULL REFERENCES artifact (id),
  target    TEXT NOT NULL,
  reason    TEXT NOT NULL,
  at        INTEGER NOT NULL,
  who       TEXT NOT NULL,
  PRIMARY KEY (workspace, artifact, target)
) STRICT;
