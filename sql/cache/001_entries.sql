-- application_id: 0x72636163

-- One stored result. state: 0 filling (a writer owns it), 1 live (found by its key), 2 dead (to be
-- swept). id has 39 bits, so that id << 24 fits a rowid.
-- body_length and stored_bytes grow with each chunk, in the same transaction: what a row says of a
-- result that is still filling is true as well.
-- worth is what decided about eviction at first: tenths of a row saved per byte on disk.
CREATE TABLE entry (
  id INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 549755813887),
  key BLOB NOT NULL CHECK (length(key) = 32),
  state INTEGER NOT NULL DEFAULT 0 CHECK (state IN (0, 1, 2)),
  normal TEXT NOT NULL,
  target TEXT NOT NULL,
  results INTEGER NOT NULL DEFAULT 0,
  body_length INTEGER NOT NULL DEFAULT 0,
  stored_bytes INTEGER NOT NULL,
  cost INTEGER NOT NULL DEFAULT 0,
  answered_at INTEGER NOT NULL DEFAULT 0,
  hits INTEGER NOT NULL DEFAULT 0,
  content_type TEXT NOT NULL DEFAULT '',
  worth REAL GENERATED ALWAYS AS (cost * (hits + 1.0) / max(stored_bytes, 1)) VIRTUAL
) STRICT;

CREATE UNIQUE INDEX entry_key ON entry (key) WHERE state = 1;
CREATE INDEX entry_target ON entry (target) WHERE state = 1;
CREATE INDEX entry_worth ON entry (worth, answered_at) WHERE state = 1;
CREATE INDEX entry_answered ON entry (answered_at) WHERE state = 1;
CREATE INDEX entry_dead ON entry (stored_bytes) WHERE state = 2;
CREATE INDEX entry_not_live ON entry (id) WHERE state <> 1;

-- id: entry.id << 24 | number of the chunk, from 0. data: one zstd frame with a checksum.
CREATE TABLE chunk (
  id INTEGER PRIMARY KEY,
  raw_length INTEGER NOT NULL,
  data BLOB NOT NULL
) STRICT;
