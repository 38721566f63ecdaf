-- Rooms of audits: what an audit is about, who may enter, what auditors ask and what they note for themselves. Times are Unix
-- milliseconds, 0 meaning none.

-- +goose Up

-- controls is a JSON list of the ids of the controls that the audit is about; an empty one means all that serve its framework.
ALTER TABLE audit ADD COLUMN controls text NOT NULL DEFAULT '[]';

-- An auditor who was let into a room. One who was let out again stays, so that history keeps his name.
CREATE TABLE audit_auditor (
  workspace  text NOT NULL REFERENCES workspace (id),
  audit      text NOT NULL REFERENCES audit (id),
  member     text NOT NULL REFERENCES member (id),
  added_at   bigint NOT NULL,
  added_by   text NOT NULL,
  removed_at bigint NOT NULL,
  removed_by text NOT NULL,
  PRIMARY KEY (workspace, audit, member)
);

-- What an auditor asks. control and artifact are ids or empty; state is open, answered or closed.
CREATE TABLE audit_request (
  id        text PRIMARY KEY,
  workspace text NOT NULL REFERENCES workspace (id),
  audit     text NOT NULL REFERENCES audit (id),
  control   text NOT NULL,
  artifact  text NOT NULL,
  due       bigint NOT NULL,
  state     text NOT NULL,
  asked_at  bigint NOT NULL,
  asked_by  text NOT NULL
);
CREATE INDEX audit_request_audit ON audit_request (workspace, audit, asked_at);

-- Everything that was said about a request, the question first. op is ask, answer, follow or close.
CREATE TABLE audit_message (
  id        text PRIMARY KEY,
  workspace text NOT NULL REFERENCES workspace (id),
  request   text NOT NULL REFERENCES audit_request (id),
  op        text NOT NULL,
  text      text NOT NULL,
  artifact  text NOT NULL,
  said_at   bigint NOT NULL,
  said_by   text NOT NULL
);
CREATE INDEX audit_message_request ON audit_message (workspace, request, said_at);

-- What auditors note for themselves: nobody else is ever shown a row of it.
CREATE TABLE audit_note (
  id         text PRIMARY KEY,
  workspace  text NOT NULL REFERENCES workspace (id),
  audit      text NOT NULL REFERENCES audit (id),
  control    text NOT NULL,
  artifact   text NOT NULL,
  text       text NOT NULL,
  written_at bigint NOT NULL,
  written_by text NOT NULL
);
CREATE INDEX audit_note_audit ON audit_note (workspace, audit, written_at);
