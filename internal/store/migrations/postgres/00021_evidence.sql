-- Reviews of artifacts, schedules that build them, and what becomes of proposed attachments. Times are Unix milliseconds,
-- 0 meaning none. The same tables as in
-- ../sqlite, in PostgreSQL's words.

-- +goose Up

-- The member who made a version, where it was one: a name can be shared, and he may never review it.
ALTER TABLE artifact_version ADD COLUMN built_member text NOT NULL DEFAULT '';

-- What people concluded. A row is never changed: a second opinion is a second row. leaf is its place in the log, and the order.
CREATE TABLE review (
  workspace text NOT NULL REFERENCES workspace (id),
  id        text NOT NULL,
  artifact  text NOT NULL REFERENCES artifact (id),
  version   bigint NOT NULL,
  digest    text NOT NULL,
  verdict   text NOT NULL,
  reason    text NOT NULL,
  at        bigint NOT NULL,
  reviewer  text NOT NULL,
  member    text NOT NULL,
  leaf      bigint NOT NULL,
  PRIMARY KEY (workspace, id)
);
CREATE INDEX review_artifact ON review (workspace, artifact, leaf);

-- A recipe that is built for each period that ends after since_at, once it has settled.
CREATE TABLE schedule (
  workspace   text NOT NULL REFERENCES workspace (id),
  id          text NOT NULL,
  recipe      text NOT NULL,
  cadence     text NOT NULL,
  settle_days bigint NOT NULL,
  parameters  text NOT NULL,
  since_at    bigint NOT NULL,
  done_until  bigint NOT NULL,
  artifact    text NOT NULL,
  failure     text NOT NULL,
  failed_at   bigint NOT NULL,
  created_at  bigint NOT NULL,
  created_by  text NOT NULL,
  member      text NOT NULL,
  stopped_at  bigint NOT NULL,
  stopped_by  text NOT NULL,
  PRIMARY KEY (workspace, id)
);
CREATE UNIQUE INDEX schedule_running ON schedule (workspace, recipe, cadence, parameters) WHERE stopped_at = 0;

-- How attachments from mappings are made, and which process has the turn to build what is scheduled.
CREATE TABLE evidence_setting (
  workspace  text PRIMARY KEY REFERENCES workspace (id),
  attach     text NOT NULL,
  holder     text NOT NULL,
  held_until bigint NOT NULL
);

-- Proposed attachments that somebody declined, so that they are not proposed again.
CREATE TABLE attachment_declined (
  workspace text NOT NULL REFERENCES workspace (id),
  artifact  text NOT NULL REFERENCES artifact (id),
  target    text NOT NULL,
  reason    text NOT NULL,
  at        bigint NOT NULL,
  who       text NOT NULL,
  PRIMARY KEY (workspace, artifact, target)
);
