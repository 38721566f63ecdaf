-- Actions that people make, hand on, finish and retire; what is said about them; which changes of wording were declined.
-- Times are Unix milliseconds, 0 meaning none.

-- +goose Up

-- requests is JSON. series is the key of the first of a series, grace how many milliseconds after its period's end it is due.
-- The next of a series has a key that follows from series and period, so it is made once whoever makes it.
ALTER TABLE action ADD COLUMN delegate TEXT NOT NULL DEFAULT '';
ALTER TABLE action ADD COLUMN requests TEXT NOT NULL DEFAULT '[]';
ALTER TABLE action ADD COLUMN series TEXT NOT NULL DEFAULT '';
ALTER TABLE action ADD COLUMN grace INTEGER NOT NULL DEFAULT 0;
ALTER TABLE action ADD COLUMN note TEXT NOT NULL DEFAULT '';
ALTER TABLE action ADD COLUMN done_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE action ADD COLUMN done_by TEXT NOT NULL DEFAULT '';
ALTER TABLE action ADD COLUMN retired_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE action ADD COLUMN retired TEXT NOT NULL DEFAULT '';
ALTER TABLE action ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;

-- A comment is never changed and never deleted.
CREATE TABLE action_comment (
  id        TEXT PRIMARY KEY,
  workspace TEXT NOT NULL REFERENCES workspace (id),
  action    TEXT NOT NULL REFERENCES action (id),
  at        INTEGER NOT NULL,
  who       TEXT NOT NULL,
  text      TEXT NOT NULL
) STRICT;
CREATE INDEX action_comment_action ON action_comment (action, at);

-- Who is mentioned in a comment. told_at is when a mail was taken for him, seen_at when he looked at the action.
CREATE TABLE mention (
  workspace TEXT NOT NULL REFERENCES workspace (id),
  comment   TEXT NOT NULL REFERENCES action_comment (id),
  member    TEXT NOT NULL REFERENCES member (id),
  told_at   INTEGER NOT NULL,
  seen_at   INTEGER NOT NULL,
  PRIMARY KEY (comment, member)
) STRICT;
CREATE INDEX mention_member ON mention (workspace, member, seen_at);

-- A change of wording is worked out anew each time; only that somebody declined it is kept.
CREATE TABLE declined_wording (
  workspace   TEXT NOT NULL REFERENCES workspace (id),
  id          TEXT NOT NULL,
  declined_at INTEGER NOT NULL,
  declined_by TEXT NOT NULL,
  PRIMARY KEY (workspace, id)
) STRICT;

-- The digest's hour is one of this zone's, by its IANA name. Channels tell of overdue actions from now on too.
ALTER TABLE telling ADD COLUMN digest_zone TEXT NOT NULL DEFAULT 'UTC';
UPDATE channel SET tells = tells || ' overdue' WHERE tells <> '';
