-- The log of each workspace, what its commitments are made of, and its checkpoints. Times are Unix milliseconds, 0 meaning none.

-- +goose Up

-- adopt = 1: what was stored before there was a log has not been entered yet.
CREATE TABLE log (
  workspace INTEGER PRIMARY KEY REFERENCES workspace (no),
  origin    TEXT NOT NULL,
  size      INTEGER NOT NULL,
  last_at   INTEGER NOT NULL,
  adopt     INTEGER NOT NULL
) STRICT;
INSERT INTO log (workspace, origin, size, last_at, adopt) SELECT no, '', 0, 0, 1 FROM workspace;

-- id is the workspace's number times 2^40 plus the leaf's number. hashes are those of the complete subtrees that end with
-- the leaf: its own, that of 2 leaves, of 4, and so on.
CREATE TABLE log_leaf (
  id   INTEGER PRIMARY KEY,
  data BLOB NOT NULL
) STRICT;
CREATE TABLE log_node (
  id     INTEGER PRIMARY KEY,
  hashes BLOB NOT NULL
) STRICT;

-- The last record of each chain: of a stream, an artifact, a connection, an attachment.
CREATE TABLE log_chain (
  workspace INTEGER NOT NULL REFERENCES log (workspace),
  chain     TEXT NOT NULL,
  record    TEXT NOT NULL,
  PRIMARY KEY (workspace, chain)
) STRICT, WITHOUT ROWID;

-- What opens a commitment. value is empty where the data lies elsewhere, under its digest.
CREATE TABLE log_opening (
  workspace  INTEGER NOT NULL REFERENCES log (workspace),
  commitment BLOB NOT NULL,
  tag        TEXT NOT NULL,
  salt       BLOB NOT NULL,
  value      BLOB NOT NULL,
  PRIMARY KEY (workspace, commitment)
) STRICT, WITHOUT ROWID;

-- Answers without records that are not in the log yet: the leaf as it would be now.
CREATE TABLE log_pending (
  stream INTEGER PRIMARY KEY REFERENCES stream (id),
  leaf   BLOB NOT NULL
) STRICT;

CREATE TABLE page_salt (
  page  INTEGER PRIMARY KEY REFERENCES page (id),
  salts BLOB NOT NULL
) STRICT;

-- Signed checkpoints; cosigned_at is when a quorum of witnesses had signed, token an RFC 3161 time stamp.
CREATE TABLE log_checkpoint (
  workspace   INTEGER NOT NULL REFERENCES log (workspace),
  size        INTEGER NOT NULL,
  at          INTEGER NOT NULL,
  note        BLOB NOT NULL,
  cosigned_at INTEGER NOT NULL,
  token       BLOB,
  PRIMARY KEY (workspace, size)
) STRICT, WITHOUT ROWID;

-- Signing keys, sealed. retired_at = 0: it signs.
CREATE TABLE log_key (
  workspace  INTEGER NOT NULL REFERENCES log (workspace),
  vkey       TEXT NOT NULL,
  sealed     BLOB NOT NULL,
  added_at   INTEGER NOT NULL,
  retired_at INTEGER NOT NULL,
  PRIMARY KEY (workspace, vkey)
) STRICT, WITHOUT ROWID;

-- An audit: a framework and a period.
CREATE TABLE audit (
  id         TEXT PRIMARY KEY,
  workspace  TEXT NOT NULL REFERENCES workspace (id),
  name       TEXT NOT NULL,
  framework  TEXT NOT NULL,
  from_at    INTEGER NOT NULL,
  to_at      INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  UNIQUE (workspace, name)
) STRICT;

CREATE TABLE audit_bundle (
  id           TEXT PRIMARY KEY,
  workspace    TEXT NOT NULL REFERENCES workspace (id),
  audit        TEXT NOT NULL REFERENCES audit (id),
  made_at      INTEGER NOT NULL,
  made_by      TEXT NOT NULL,
  leaves       INTEGER NOT NULL,
  manifest_sha BLOB NOT NULL,
  sha256       BLOB NOT NULL,
  size         INTEGER NOT NULL
) STRICT;
CREATE INDEX audit_bundle_audit ON audit_bundle (audit, made_at);

-- A sample and what replaced members of it.
CREATE TABLE audit_sample (
  id         TEXT PRIMARY KEY,
  workspace  TEXT NOT NULL REFERENCES workspace (id),
  audit      TEXT NOT NULL REFERENCES audit (id),
  population TEXT NOT NULL,
  seed       TEXT NOT NULL,
  size       INTEGER NOT NULL,
  members    INTEGER NOT NULL,
  drawn_at   INTEGER NOT NULL,
  drawn_by   TEXT NOT NULL
) STRICT;
CREATE INDEX audit_sample_audit ON audit_sample (audit, drawn_at);
CREATE TABLE audit_replacement (
  sample      TEXT NOT NULL REFERENCES audit_sample (id),
  rank        INTEGER NOT NULL,
  reason      TEXT NOT NULL,
  replaced_at INTEGER NOT NULL,
  replaced_by TEXT NOT NULL,
  PRIMARY KEY (sample, rank)
) STRICT, WITHOUT ROWID;
