-- application_id: 0x72636c67
-- Amounts of rows are integers, in tenths. Days are days since 1970, moments milliseconds since 1970.
-- The checks state the program's invariants: an error in the program is refused rather than booked.

CREATE TABLE meta (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  secret BLOB NOT NULL CHECK (length(secret) = 32), -- keys the fingerprints of tokens
  probed_at INTEGER -- written only to learn whether the file can be written again
) STRICT;

-- The fingerprint of 32 zero bytes stands for requests with a token that the ledger does not know.
CREATE TABLE token (
  id INTEGER PRIMARY KEY,
  fingerprint BLOB NOT NULL UNIQUE CHECK (length(fingerprint) = 32),
  name TEXT UNIQUE CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 64)
) STRICT;

-- state: 0 open, 1 settled, 2 unknown (spent is then the most that it can be).
CREATE TABLE entry (
  id INTEGER PRIMARY KEY,
  request TEXT NOT NULL UNIQUE,
  at INTEGER NOT NULL,
  day INTEGER NOT NULL,
  token INTEGER NOT NULL REFERENCES token,
  key BLOB CHECK (length(key) = 32),
  source TEXT NOT NULL, -- from=
  target TEXT NOT NULL,
  state INTEGER NOT NULL CHECK (state IN (0, 1, 2)),
  estimated INTEGER NOT NULL CHECK (estimated IN (0, 1)),
  most INTEGER NOT NULL CHECK (most >= 0),
  results INTEGER CHECK (results >= 0), -- NULL: not known
  spent INTEGER CHECK (spent >= 0),
  settled_at INTEGER,
  CHECK ((state = 0) = (spent IS NULL)),
  CHECK ((state = 0) = (settled_at IS NULL))
) STRICT;

CREATE INDEX entry_open ON entry(token) WHERE state = 0;

-- The totals change in the transaction that settles an entry. They hold no open entry.
CREATE TABLE token_day (
  day INTEGER NOT NULL,
  token INTEGER NOT NULL REFERENCES token,
  requests INTEGER NOT NULL,
  hits INTEGER NOT NULL CHECK (hits >= 0),
  misses INTEGER NOT NULL CHECK (misses >= 0),
  errors INTEGER NOT NULL CHECK (errors >= 0),
  results INTEGER NOT NULL CHECK (results >= 0),
  spent INTEGER NOT NULL CHECK (spent >= 0),
  unknown INTEGER NOT NULL CHECK (unknown BETWEEN 0 AND spent),
  saved INTEGER NOT NULL CHECK (saved >= 0),
  PRIMARY KEY (day, token),
  CHECK (requests >= hits + misses + errors)
) STRICT, WITHOUT ROWID;

CREATE TABLE target_day (
  day INTEGER NOT NULL,
  target TEXT NOT NULL, -- empty: none, or not known here
  requests INTEGER NOT NULL,
  hits INTEGER NOT NULL CHECK (hits >= 0),
  misses INTEGER NOT NULL CHECK (misses >= 0),
  errors INTEGER NOT NULL CHECK (errors >= 0),
  results INTEGER NOT NULL CHECK (results >= 0),
  spent INTEGER NOT NULL CHECK (spent >= 0),
  unknown INTEGER NOT NULL CHECK (unknown BETWEEN 0 AND spent),
  saved INTEGER NOT NULL CHECK (saved >= 0),
  PRIMARY KEY (day, target),
  CHECK (requests >= hits + misses + errors)
) STRICT, WITHOUT ROWID;
