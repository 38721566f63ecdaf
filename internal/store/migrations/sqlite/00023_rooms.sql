-- Rooms of audits: what an audit is about, who may enter, what auditors ask and what they note for themselves. Times are Unix
-- milliseconds, 0 meaning none.

-- +goose Up

-- controls is a JSON list of the ids of the controls that the audit is about; an empty one means all that serve its framework.
ALTER TABLE audit ADD COLUMN controls TEXT NOT NULL DEFAULT '[]';

-- An auditor who was let into a room. One who was let out again stays, so that history keeps his name.
CREATE TABLE audit_auditor (
  workspace  TEXT NOT NULL REFERENCES workspace (id),
  audit      TEXT NOT NULL REFERENCES audit (id),
  member     TEXT NOT NULL REFERENCES member (id),
  added_at   INTEGER NOT NULL,
  added_by   TEXT NOT NULL,
  removed_at INTEGER NOT NULL,
  removed_by TEXT NOT NULL,
  PRIMARY KEY (workspace, audit, member)
) STRICT;

-- What an auditor asks. control and artifact are ids or empty; state is open, answered or closed.
CREATE TABLE audit_request (
  id        TEXT PRIMARY KEY,
  workspace TEXT NOT NULL REFERENCES workspace (id),
  audit     TEXT NOT NULL REFERENCES audit (id),
  control   TEXT NOT NULL,
  artifact  TEXT NOT NULL,
  due       INTEGER NOT NULL,
  state     TEXT NOT NULL,
  asked_at  INTEGER NOT NULL,
  asked_by  TEXT NOT NULL
) STRICT;
CREATE INDEX audit_request_audit ON audit_request (workspace, audit, asked_at);

-- Everything that was said about a request, the question first. op is ask, answer, follow or close.
CREATE TABLE audit_message (
  id        TEXT PRIMARY KEY,
  workspace TEXT NOT NULL REFERENCES workspace (id),
  request   TEXT NOT NULL REFERENCES audit_request (id),
  op        TEXT NOT NULL,
  text      TEXT NOT NULL,
  artifact  TEXT NOT NULL,
  said_at   INTEGER NOT NULL,
  said_by   TEXT NOT NULL
) STRICT;
CREATE INDEX audit_message_request ON audit_message (workspace, request, said_at);

-- What auditors note for themselves: nobody else is ever shown a row of it.
CREATE TABLE audit_note (
  id         TEXT PRIMARY KEY,
  workspace  TEXT NOT NULL REFERENCES workspace (id),
  audit      TEXT NOT NULL REFERENCES audit (id),
  control    TEXT NOT NULL,
  artifact   TEXT NOT NULL,
  text       TEXT NOT NULL,
  written_at INTEGER NOT NULL,
  written_by TEXT NOT NULL
) STRICT;
CREATE INDEX audit_note_audit ON audit_note (workspace, audit, written_at);
