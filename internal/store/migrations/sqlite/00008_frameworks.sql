-- Controls that people change and retire, frameworks that a workspace loads itself, and its profile. Times are Unix
-- milliseconds, 0 meaning none.

-- +goose Up

-- revision goes up by one with every change, so that two people cannot overwrite each other.
ALTER TABLE control ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE control ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
ALTER TABLE control ADD COLUMN retired_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE control ADD COLUMN retired TEXT NOT NULL DEFAULT '';

-- Every version of a framework that was loaded stays: 1, 2, …
CREATE TABLE framework_revision (
  workspace TEXT NOT NULL REFERENCES workspace (id),
  framework TEXT NOT NULL,
  revision  INTEGER NOT NULL,
  document  TEXT NOT NULL,
  sha256    TEXT NOT NULL,
  file      TEXT NOT NULL,
  added_at  INTEGER NOT NULL,
  added_by  TEXT NOT NULL,
  PRIMARY KEY (workspace, framework, revision)
) STRICT;

-- What a member looks at before he accepts it.
CREATE TABLE framework_draft (
  workspace TEXT NOT NULL REFERENCES workspace (id),
  id        TEXT NOT NULL,
  member    TEXT NOT NULL,
  document  TEXT NOT NULL,
  sha256    TEXT NOT NULL,
  file      TEXT NOT NULL,
  made_at   INTEGER NOT NULL,
  PRIMARY KEY (workspace, id)
) STRICT;

CREATE TABLE profile (
  workspace  TEXT PRIMARY KEY REFERENCES workspace (id),
  industry   TEXT NOT NULL,
  size       TEXT NOT NULL,
  systems    TEXT NOT NULL,
  changed_at INTEGER NOT NULL,
  changed_by TEXT NOT NULL
) STRICT;
