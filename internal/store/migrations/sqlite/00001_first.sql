-- The same tables as in ../postgres, in SQLite's words. Times are Unix milliseconds, 0 meaning none.

-- +goose Up

CREATE TABLE workspace (
  no   INTEGER PRIMARY KEY AUTOINCREMENT,
  id   TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL UNIQUE,
  keyset BLOB
) STRICT;

CREATE TABLE member (
  id         TEXT PRIMARY KEY,
  workspace  TEXT NOT NULL REFERENCES workspace (id),
  name       TEXT NOT NULL,
  email      TEXT NOT NULL,
  role       TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (workspace, email)
) STRICT;

CREATE TABLE sign_in_link (
  hash       BLOB PRIMARY KEY,
  workspace  TEXT NOT NULL REFERENCES workspace (id),
  member     TEXT NOT NULL REFERENCES member (id),
  expires_at INTEGER NOT NULL,
  used_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX sign_in_link_workspace ON sign_in_link (workspace);

CREATE TABLE session (
  hash       BLOB PRIMARY KEY,
  member     TEXT NOT NULL REFERENCES member (id),
  workspace  TEXT NOT NULL REFERENCES workspace (id),
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  last_seen  INTEGER NOT NULL,
  user_agent TEXT NOT NULL
) STRICT;

-- The trail names things by words, not by keys, so that it outlives them.
CREATE TABLE activity (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace TEXT NOT NULL,
  at        INTEGER NOT NULL,
  who       TEXT NOT NULL,
  what      TEXT NOT NULL,
  subject   TEXT NOT NULL,
  detail    TEXT NOT NULL
) STRICT;
CREATE INDEX activity_workspace ON activity (workspace, id);

CREATE TABLE connection (
  id           TEXT PRIMARY KEY,
  workspace    TEXT NOT NULL REFERENCES workspace (id),
  source       TEXT NOT NULL,
  name         TEXT NOT NULL,
  server       TEXT NOT NULL,
  account_uuid TEXT NOT NULL,
  integration  TEXT NOT NULL,
  features     TEXT NOT NULL,
  missing      TEXT NOT NULL,
  token_mark   TEXT NOT NULL,
  issued_at    INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  created_at   INTEGER NOT NULL,
  created_by   TEXT NOT NULL,
  checked_at   INTEGER NOT NULL,
  off_at       INTEGER NOT NULL,
  token        BLOB,
  UNIQUE (workspace, name)
) STRICT;

CREATE TABLE stream (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  connection   TEXT NOT NULL REFERENCES connection (id),
  name         TEXT NOT NULL,
  holder       TEXT NOT NULL,
  epoch        INTEGER NOT NULL,
  lease_until  INTEGER NOT NULL,
  cursor       TEXT NOT NULL,
  sequence     INTEGER NOT NULL,
  live_from    INTEGER NOT NULL,
  live_to      INTEGER NOT NULL,
  caught_up    INTEGER NOT NULL,
  last_read_at INTEGER NOT NULL,
  last_event   INTEGER NOT NULL,
  pages        INTEGER NOT NULL,
  events       INTEGER NOT NULL,
  duplicates   INTEGER NOT NULL,
  late         INTEGER NOT NULL,
  conflicts    INTEGER NOT NULL,
  odd          INTEGER NOT NULL,
  UNIQUE (connection, name)
) STRICT;

-- Everything that is known of a page beside its body. sequence is 0 for re-reads.
CREATE TABLE page (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  stream       INTEGER NOT NULL REFERENCES stream (id),
  sequence     INTEGER NOT NULL,
  mode         TEXT NOT NULL,
  asked_from   INTEGER NOT NULL,
  asked_to     INTEGER NOT NULL,
  asked_limit  INTEGER NOT NULL,
  cursor_sha   BLOB,
  next_sha     BLOB NOT NULL,
  requested_at INTEGER NOT NULL,
  received_at  INTEGER NOT NULL,
  server_date  INTEGER NOT NULL,
  build        TEXT NOT NULL,
  records      INTEGER NOT NULL,
  events       INTEGER NOT NULL,
  min_at       INTEGER NOT NULL,
  max_at       INTEGER NOT NULL,
  size         INTEGER NOT NULL,
  sha256       BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX page_sequence ON page (stream, sequence) WHERE sequence > 0;
CREATE INDEX page_stream ON page (stream, id);

-- body: frames of zstd; layout: where records and frames lie; times: the time of each record.
CREATE TABLE page_body (
  page   INTEGER PRIMARY KEY REFERENCES page (id),
  layout BLOB NOT NULL,
  times  BLOB NOT NULL,
  body   BLOB NOT NULL
) STRICT;

-- What live reading did beside storing pages: answers without records (kind poll), many to a row, and resets of the
-- bookmark (kind reset). With the pages they number a stream's history without a hole.
CREATE TABLE poll (
  stream         INTEGER NOT NULL REFERENCES stream (id),
  first_sequence INTEGER NOT NULL,
  last_sequence  INTEGER NOT NULL,
  kind           TEXT NOT NULL,
  answers        INTEGER NOT NULL,
  first_at       INTEGER NOT NULL,
  last_at        INTEGER NOT NULL,
  cursor_sha     BLOB,
  bodies_sha     BLOB NOT NULL,
  PRIMARY KEY (stream, first_sequence)
) STRICT, WITHOUT ROWID;

-- One row per event, a projection of the pages. Values are ids of the dictionary, 0 meaning none. uuid is 16 bytes when
-- the source's 26 letters are base32 of them, else a zero byte and the text.
CREATE TABLE event (
  stream   INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  page     INTEGER NOT NULL,
  position INTEGER NOT NULL,
  uuid     BLOB NOT NULL,
  what     INTEGER NOT NULL,
  person   INTEGER NOT NULL,
  vault    INTEGER NOT NULL,
  item     INTEGER NOT NULL,
  target   INTEGER NOT NULL,
  country  INTEGER NOT NULL,
  ip       INTEGER NOT NULL,
  client   INTEGER NOT NULL,
  odd      INTEGER NOT NULL,
  PRIMARY KEY (stream, at, page, position)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX event_uuid ON event (stream, uuid);

-- A record whose uuid was known already: conflict = 1 if its bytes differ from the first ones.
CREATE TABLE repeat (
  stream         INTEGER NOT NULL,
  at             INTEGER NOT NULL,
  page           INTEGER NOT NULL,
  position       INTEGER NOT NULL,
  first_page     INTEGER NOT NULL,
  first_position INTEGER NOT NULL,
  conflict       INTEGER NOT NULL,
  PRIMARY KEY (stream, at, page, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX repeat_conflict ON repeat (first_page, first_position) WHERE conflict = 1;
CREATE INDEX repeat_page ON repeat (page);

-- The dictionary. kind what: action, type, result; kind person: uuid, name, email; other kinds: the value alone.
CREATE TABLE value (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  workspace INTEGER NOT NULL REFERENCES workspace (no),
  kind      TEXT NOT NULL,
  first     TEXT NOT NULL,
  second    TEXT NOT NULL,
  third     TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX value_words ON value (workspace, kind, first, second, third);

-- How many events of a stream have a value in each hour of a day (days since 1970); value 0 counts all events. hours is a
-- row of entries, each a byte for the hour of the day and a varint for a number of events; entries of the same hour add
-- up, so that counting is appending.
CREATE TABLE tally (
  stream INTEGER NOT NULL,
  value  INTEGER NOT NULL,
  day    INTEGER NOT NULL,
  hours  BLOB NOT NULL,
  PRIMARY KEY (stream, value, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE coverage (
  stream  INTEGER NOT NULL REFERENCES stream (id),
  from_at INTEGER NOT NULL,
  to_at   INTEGER NOT NULL,
  PRIMARY KEY (stream, from_at)
) STRICT, WITHOUT ROWID;

CREATE TABLE trouble (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  stream  INTEGER NOT NULL REFERENCES stream (id),
  from_at INTEGER NOT NULL,
  to_at   INTEGER NOT NULL,
  cause   TEXT NOT NULL,
  state   TEXT NOT NULL,
  reason  TEXT NOT NULL
) STRICT;
CREATE INDEX trouble_stream ON trouble (stream, from_at);
CREATE UNIQUE INDEX trouble_open ON trouble (stream) WHERE to_at = 0;

CREATE TABLE bad_page (
  id     INTEGER PRIMARY KEY AUTOINCREMENT,
  stream INTEGER NOT NULL REFERENCES stream (id),
  at     INTEGER NOT NULL,
  reason TEXT NOT NULL,
  size   INTEGER NOT NULL,
  body   BLOB NOT NULL
) STRICT;
CREATE INDEX bad_page_stream ON bad_page (stream, id);

CREATE TABLE reread_mark (
  stream     INTEGER NOT NULL REFERENCES stream (id),
  age_ms     INTEGER NOT NULL,
  through_at INTEGER NOT NULL,
  PRIMARY KEY (stream, age_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE reconciliation (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  stream  INTEGER NOT NULL REFERENCES stream (id),
  age_ms  INTEGER NOT NULL,
  from_at INTEGER NOT NULL,
  to_at   INTEGER NOT NULL,
  at      INTEGER NOT NULL,
  seen    INTEGER NOT NULL,
  known   INTEGER NOT NULL,
  fresh   INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  missing INTEGER NOT NULL
) STRICT;
CREATE INDEX reconciliation_stream ON reconciliation (stream, id);

CREATE TABLE control (
  id           TEXT PRIMARY KEY,
  workspace    TEXT NOT NULL REFERENCES workspace (id),
  key          TEXT NOT NULL,
  name         TEXT NOT NULL,
  description  TEXT NOT NULL,
  requirements TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  UNIQUE (workspace, key)
) STRICT;

CREATE TABLE action (
  id          TEXT PRIMARY KEY,
  workspace   TEXT NOT NULL REFERENCES workspace (id),
  key         TEXT NOT NULL,
  control     TEXT REFERENCES control (id),
  title       TEXT NOT NULL,
  description TEXT NOT NULL,
  owner       TEXT NOT NULL,
  due         INTEGER NOT NULL,
  cadence     TEXT NOT NULL,
  recipe      TEXT NOT NULL,
  status      TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  UNIQUE (workspace, key)
) STRICT;
CREATE INDEX action_control ON action (control);

CREATE TABLE artifact (
  id         TEXT PRIMARY KEY,
  workspace  TEXT NOT NULL REFERENCES workspace (id),
  kind       TEXT NOT NULL,
  recipe     TEXT NOT NULL,
  title      TEXT NOT NULL,
  from_at    INTEGER NOT NULL,
  to_at      INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  retired_at INTEGER NOT NULL,
  retired    TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX artifact_derived ON artifact (workspace, recipe, from_at, to_at) WHERE kind = 'derived';
CREATE INDEX artifact_workspace ON artifact (workspace, created_at);

CREATE TABLE artifact_version (
  artifact       TEXT NOT NULL REFERENCES artifact (id),
  version        INTEGER NOT NULL,
  recipe_version INTEGER NOT NULL,
  engine         TEXT NOT NULL,
  result         TEXT NOT NULL,
  population     INTEGER NOT NULL,
  table_rows     INTEGER NOT NULL,
  provenance     BLOB NOT NULL,
  files          TEXT NOT NULL,
  built_at       INTEGER NOT NULL,
  built_by       TEXT NOT NULL,
  PRIMARY KEY (artifact, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE attachment (
  id          TEXT PRIMARY KEY,
  workspace   TEXT NOT NULL REFERENCES workspace (id),
  artifact    TEXT NOT NULL REFERENCES artifact (id),
  action      TEXT REFERENCES action (id),
  control     TEXT REFERENCES control (id),
  strength    TEXT NOT NULL,
  reason      TEXT NOT NULL,
  caveat      TEXT NOT NULL,
  automatic   INTEGER NOT NULL,
  attached_at INTEGER NOT NULL,
  attached_by TEXT NOT NULL,
  detached_at INTEGER NOT NULL,
  detached_by TEXT NOT NULL,
  detached    TEXT NOT NULL,
  CHECK ((action IS NULL) <> (control IS NULL))
) STRICT;
CREATE UNIQUE INDEX attachment_action ON attachment (artifact, action) WHERE detached_at = 0 AND action IS NOT NULL;
CREATE UNIQUE INDEX attachment_control ON attachment (artifact, control) WHERE detached_at = 0 AND control IS NOT NULL;
CREATE INDEX attachment_by_action ON attachment (action) WHERE action IS NOT NULL;
CREATE INDEX attachment_by_control ON attachment (control) WHERE control IS NOT NULL;

CREATE TABLE framework_in_use (
  workspace TEXT NOT NULL REFERENCES workspace (id),
  framework TEXT NOT NULL,
  version   TEXT NOT NULL,
  since     INTEGER NOT NULL,
  PRIMARY KEY (workspace, framework)
) STRICT, WITHOUT ROWID;
