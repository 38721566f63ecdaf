-- Controls that people change and retire, frameworks that a workspace loads itself, and its profile. Times are Unix
-- milliseconds, 0 meaning none. The same tables as in ../sqlite, in PostgreSQL's words.

-- +goose Up

-- revision goes up by one with every change, so that two people cannot overwrite each other.
ALTER TABLE control ADD COLUMN owner text NOT NULL DEFAULT '';
ALTER TABLE control ADD COLUMN revision bigint NOT NULL DEFAULT 1;
ALTER TABLE control ADD COLUMN retired_at bigint NOT NULL DEFAULT 0;
ALTER TABLE control ADD COLUMN retired text NOT NULL DEFAULT '';

-- Every version of a framework that was loaded stays: 1, 2, …
CREATE TABLE framework_revision (
  workspace text NOT NULL REFERENCES workspace (id),
  framework text NOT NULL,
  revision  bigint NOT NULL,
  document  text NOT NULL,
  sha256    text NOT NULL,
  file      text NOT NULL,
  added_at  bigint NOT NULL,
  added_by  text NOT NULL,
  PRIMARY KEY (workspace, framework, revision)
);

-- What a member looks at before he accepts it.
CREATE TABLE framework_draft (
  workspace text NOT NULL REFERENCES workspace (id),
  id        text NOT NULL,
  member    text NOT NULL,
  document  text NOT NULL,
  sha256    text NOT NULL,
  file      text NOT NULL,
  made_at   bigint NOT NULL,
  PRIMARY KEY (workspace, id)
);

CREATE TABLE profile (
  workspace  text PRIMARY KEY REFERENCES workspace (id),
  industry   text NOT NULL,
  size       text NOT NULL,
  systems    text NOT NULL,
  changed_at bigint NOT NULL,
  changed_by text NOT NULL
);
