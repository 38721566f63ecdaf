-- Erasure of the data of one person. Times are Unix milliseconds, 0 meaning none.

-- +goose Up

-- subject is what the person is found by, as JSON; it is emptied with the last step. steps counts the durable steps that were
-- done, leaf is the number of the last leaf that tells of one.
CREATE TABLE erasure (
  workspace TEXT NOT NULL REFERENCES workspace (id),
  id        TEXT NOT NULL,
  state     TEXT NOT NULL,
  basis     TEXT NOT NULL,
  reason    TEXT NOT NULL,
  subject   TEXT NOT NULL,
  begun_at  INTEGER NOT NULL,
  begun_by  TEXT NOT NULL,
  ended_at  INTEGER NOT NULL,
  events    INTEGER NOT NULL,
  pages     INTEGER NOT NULL,
  artifacts INTEGER NOT NULL,
  steps     INTEGER NOT NULL,
  leaf      INTEGER NOT NULL,
  PRIMARY KEY (workspace, id)
) STRICT;
CREATE UNIQUE INDEX erasure_running ON erasure (workspace) WHERE state = 'running';

-- Records of pages that were erased. uuid is the event's own random name: without it a second reading would bring it back.
CREATE TABLE erased_record (
  page     INTEGER NOT NULL REFERENCES page (id),
  position INTEGER NOT NULL,
  uuid     BLOB NOT NULL,
  erasure  TEXT NOT NULL,
  PRIMARY KEY (page, position)
) STRICT, WITHOUT ROWID;

-- Files of artifacts that are erased and may still lie in the object store.
CREATE TABLE erased_file (
  workspace TEXT NOT NULL REFERENCES workspace (id),
  sha256    TEXT NOT NULL,
  size      INTEGER NOT NULL,
  PRIMARY KEY (workspace, sha256)
) STRICT;

ALTER TABLE artifact_version ADD COLUMN erased_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE artifact_version ADD COLUMN erasure TEXT NOT NULL DEFAULT '';
