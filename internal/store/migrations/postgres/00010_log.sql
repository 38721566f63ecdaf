-- The log of each workspace, what its commitments are made of, and its checkpoints. Times are Unix milliseconds, 0 meaning none.

-- +goose Up

-- adopt = 1: what was stored before there was a log has not been entered yet.
CREATE TABLE log (
  workspace bigint PRIMARY KEY REFERENCES workspace (no),
  origin    text NOT NULL,
  size      bigint NOT NULL,
  last_at   bigint NOT NULL,
  adopt     bigint NOT NULL
);
INSERT INTO log (workspace, origin, size, last_at, adopt) SELECT no, '', 0, 0, 1 FROM workspace;

-- id is the workspace's number times 2^40 plus the leaf's number. hashes are those of the complete subtrees that end with
-- the leaf: its own, that of 2 leaves, of 4, and so on.
CREATE TABLE log_leaf (
  id   bigint PRIMARY KEY,
  data bytea NOT NULL
);
CREATE TABLE log_node (
  id     bigint PRIMARY KEY,
  hashes bytea NOT NULL
);

-- The last record of each chain: of a stream, an artifact, a connection, an attachment.
CREATE TABLE log_chain (
  workspace bigint NOT NULL REFERENCES log (workspace),
  chain     text NOT NULL,
  record    text NOT NULL,
  PRIMARY KEY (workspace, chain)
);

-- What opens a commitment. value is empty where the data lies elsewhere, under its digest.
CREATE TABLE log_opening (
  workspace  bigint NOT NULL REFERENCES log (workspace),
  commitment bytea NOT NULL,
  tag        text NOT NULL,
  salt       bytea NOT NULL,
  value      bytea NOT NULL,
  PRIMARY KEY (workspace, commitment)
);

-- Answers without records that are not in the log yet: the leaf as it would be now.
CREATE TABLE log_pending (
  stream bigint PRIMARY KEY REFERENCES stream (id),
  leaf   bytea NOT NULL
);

CREATE TABLE page_salt (
  page  bigint PRIMARY KEY REFERENCES page (id),
  salts bytea NOT NULL
);

-- Signed checkpoints; cosigned_at is when a quorum of witnesses had signed, token an RFC 3161 time stamp.
CREATE TABLE log_checkpoint (
  workspace   bigint NOT NULL REFERENCES log (workspace),
  size        bigint NOT NULL,
  at          bigint NOT NULL,
  note        bytea NOT NULL,
  cosigned_at bigint NOT NULL,
  token       bytea,
  PRIMARY KEY (workspace, size)
);

-- Signing keys, sealed. retired_at = 0: it signs.
CREATE TABLE log_key (
  workspace  bigint NOT NULL REFERENCES log (workspace),
  vkey       text NOT NULL,
  sealed     bytea NOT NULL,
  added_at   bigint NOT NULL,
  retired_at bigint NOT NULL,
  PRIMARY KEY (workspace, vkey)
);

-- An audit: a framework and a period.
CREATE TABLE audit (
  id         text PRIMARY KEY,
  workspace  text NOT NULL REFERENCES workspace (id),
  name       text NOT NULL,
  framework  text NOT NULL,
  from_at    bigint NOT NULL,
  to_at      bigint NOT NULL,
  created_at bigint NOT NULL,
  created_by text NOT NULL,
  UNIQUE (workspace, name)
);

CREATE TABLE audit_bundle (
  id           text PRIMARY KEY,
  workspace    text NOT NULL REFERENCES workspace (id),
  audit        text NOT NULL REFERENCES audit (id),
  made_at      bigint NOT NULL,
  made_by      text NOT NULL,
  leaves       bigint NOT NULL,
  manifest_sha bytea NOT NULL,
  sha256       bytea NOT NULL,
  size         bigint NOT NULL
);
CREATE INDEX audit_bundle_audit ON audit_bundle (audit, made_at);

-- A sample and what replaced members of it.
CREATE TABLE audit_sample (
  id         text PRIMARY KEY,
  workspace  text NOT NULL REFERENCES workspace (id),
  audit      text NOT NULL REFERENCES audit (id),
  population text NOT NULL,
  seed       text NOT NULL,
  size       bigint NOT NULL,
  members    bigint NOT NULL,
  drawn_at   bigint NOT NULL,
  drawn_by   text NOT NULL
);
CREATE INDEX audit_sample_audit ON audit_sample (audit, drawn_at);
CREATE TABLE audit_replacement (
  sample      text NOT NULL REFERENCES audit_sample (id),
  rank        bigint NOT NULL,
  reason      text NOT NULL,
  replaced_at bigint NOT NULL,
  replaced_by text NOT NULL,
  PRIMARY KEY (sample, rank)
);
