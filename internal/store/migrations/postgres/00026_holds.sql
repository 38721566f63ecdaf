-- Legal holds. Times are Unix milliseconds, 0 meaning none.

-- +goose Up

-- from_at and to_at say which events are held, both 0 those of all times; connection empty: of all. A hold is reviewed and
-- released by changing its row; what it was before stands in the log.
CREATE TABLE legal_hold (
  workspace   text NOT NULL REFERENCES workspace (id),
  id          text NOT NULL,
  code        text NOT NULL,
  reason      text NOT NULL,
  from_at     bigint NOT NULL,
  to_at       bigint NOT NULL,
  connection  text NOT NULL,
  owner       text NOT NULL REFERENCES member (id),
  review_at   bigint NOT NULL,
  placed_at   bigint NOT NULL,
  placed_by   text NOT NULL,
  reviewed_at bigint NOT NULL,
  reviewed_by text NOT NULL,
  review_note text NOT NULL,
  released_at bigint NOT NULL,
  released_by text NOT NULL,
  release     text NOT NULL,
  PRIMARY KEY (workspace, id)
);

-- Channels that chose what they are told are told of holds whose review is due, too.
UPDATE channel SET tells = tells || ' hold' WHERE tells <> '';
