-- Erasure of the data of one person. Times are Unix milliseconds, 0 meaning none.

-- +goose Up

-- subject is what the person is found by, as JSON; it is emptied with the last step. steps counts the durable steps that were
-- done, leaf is the number of the last leaf that tells of one.
CREATE TABLE erasure (
  workspace text NOT NULL REFERENCES workspace (id),
  id        text NOT NULL,
  state     text NOT NULL,
  basis     text NOT NULL,
  reason    text NOT NULL,
  subject   text NOT NULL,
  begun_at  bigint NOT NULL,
  begun_by  text NOT NULL,
  ended_at  bigint NOT NULL,
  events    bigint NOT NULL,
  pages     bigint NOT NULL,
  artifacts bigint NOT NULL,
  steps     bigint NOT NULL,
  leaf      bigint NOT NULL,
  PRIMARY KEY (workspace, id)
);
CREATE UNIQUE INDEX erasure_running ON erasure (workspace) WHERE state = 'running';

-- Records of pages that were erased. uuid is the event's own random name: without it a second reading would bring it back.
CREATE TABLE erased_record (
  page     bigint NOT NULL REFERENCES page (id),
  position bigint NOT NULL,
  uuid     bytea NOT NULL,
  erasure  text NOT NULL,
  PRIMARY KEY (page, position)
);

-- Files of artifacts that are erased and may still lie in the object store.
CREATE TABLE erased_file (
  workspace text NOT NULL REFERENCES workspace (id),
  sha256    text NOT NULL,
  size      bigint NOT NULL,
  PRIMARY KEY (workspace, sha256)
);

ALTER TABLE artifact_version ADD COLUMN erased_at bigint NOT NULL DEFAULT 0;
ALTER TABLE artifact_version ADD COLUMN erasure text NOT NULL DEFAULT '';
