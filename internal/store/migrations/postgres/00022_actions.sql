-- Actions that people make, hand on, finish and retire; what is said about them; which changes of wording were declined.
-- Times are Unix milliseconds, 0 meaning none. The same tables as in ../sqlite, in PostgreSQL's words.

-- +goose Up

-- requests is JSON. series is the key of the first of a series, grace how many milliseconds after its period's end it is due.
-- The next of a series has a key that follows from series and period, so it is made once whoever makes it.
ALTER TABLE action ADD COLUMN delegate text NOT NULL DEFAULT '';
ALTER TABLE action ADD COLUMN requests text NOT NULL DEFAULT '[]';
ALTER TABLE action ADD COLUMN series text NOT NULL DEFAULT '';
ALTER TABLE action ADD COLUMN grace bigint NOT NULL DEFAULT 0;
ALTER TABLE action ADD COLUMN note text NOT NULL DEFAULT '';
ALTER TABLE action ADD COLUMN done_at bigint NOT NULL DEFAULT 0;
ALTER TABLE action ADD COLUMN done_by text NOT NULL DEFAULT '';
ALTER TABLE action ADD COLUMN retired_at bigint NOT NULL DEFAULT 0;
ALTER TABLE action ADD COLUMN retired text NOT NULL DEFAULT '';
ALTER TABLE action ADD COLUMN revision bigint NOT NULL DEFAULT 1;

-- A comment is never changed and never deleted.
CREATE TABLE action_comment (
  id        text PRIMARY KEY,
  workspace text NOT NULL REFERENCES workspace (id),
  action    text NOT NULL REFERENCES action (id),
  at        bigint NOT NULL,
  who       text NOT NULL,
  text      text NOT NULL
);
CREATE INDEX action_comment_action ON action_comment (action, at);

-- Who is mentioned in a comment. told_at is when a mail was taken for him, seen_at when he looked at the action.
CREATE TABLE mention (
  workspace text NOT NULL REFERENCES workspace (id),
  comment   text NOT NULL REFERENCES action_comment (id),
  member    text NOT NULL REFERENCES member (id),
  told_at   bigint NOT NULL,
  seen_at   bigint NOT NULL,
  PRIMARY KEY (comment, member)
);
CREATE INDEX mention_member ON mention (workspace, member, seen_at);

-- A change of wording is worked out anew each time; only that somebody declined it is kept.
CREATE TABLE declined_wording (
  workspace   text NOT NULL REFERENCES workspace (id),
  id          text NOT NULL,
  declined_at bigint NOT NULL,
  declined_by text NOT NULL,
  PRIMARY KEY (workspace, id)
);

-- The digest's hour is one of this zone's, by its IANA name. Channels tell of overdue actions from now on too.
ALTER TABLE telling ADD COLUMN digest_zone text NOT NULL DEFAULT 'UTC';
UPDATE channel SET tells = tells || ' overdue' WHERE tells <> '';
