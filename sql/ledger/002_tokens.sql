-- kind: 0 seen (a client sent it), 1 registered (an Ahrefs token with a name), 2 issued (made here; spends
-- from the daemon's own Ahrefs token). no_cache: 1 if it may ask for an answer past the cache.
-- per: 0 in all, 1 a day, 2 a month. warned: the first day of the last window with a warning in the log.
ALTER TABLE token ADD COLUMN kind INTEGER NOT NULL DEFAULT 0 CHECK (kind IN (0, 1, 2));
ALTER TABLE token ADD COLUMN created_at INTEGER; -- NULL: before this was written down
ALTER TABLE token ADD COLUMN revoked_at INTEGER;
ALTER TABLE token ADD COLUMN no_cache INTEGER NOT NULL DEFAULT 1 CHECK (no_cache IN (0, 1));
ALTER TABLE token ADD COLUMN budget INTEGER CHECK (budget >= 0);
ALTER TABLE token ADD COLUMN per INTEGER NOT NULL DEFAULT 0 CHECK (per IN (0, 1, 2));
ALTER TABLE token ADD COLUMN warned INTEGER;

-- Fingerprints that tokens had before they were rotated. They are refused, but a request that is under way
-- with one must not become the spending of a stranger without a budget.
CREATE TABLE token_retired (
  fingerprint BLOB PRIMARY KEY CHECK (length(fingerprint) = 32),
  token INTEGER NOT NULL REFERENCES token
) STRICT, WITHOUT ROWID;

-- A budget is compared with the spending on the days of its window, and with the reservations.
CREATE INDEX token_day_token ON token_day(token, day, spent);
DROP INDEX entry_open;
CREATE INDEX entry_reserved ON entry(token, state, most) WHERE state = 0; -- state: so that it covers

-- For deleting old entries. Open ones stay.
CREATE INDEX entry_ended ON entry(at) WHERE state <> 0;

-- Additions to the totals of a token's day, with a reason. token_day includes them; target_day does not.
-- The bounds keep sums far from the greatest integer.
CREATE TABLE correction (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  day INTEGER NOT NULL,
  token INTEGER NOT NULL REFERENCES token,
  spent INTEGER NOT NULL CHECK (spent BETWEEN -1000000000000 AND 1000000000000),
  unknown INTEGER NOT NULL CHECK (unknown BETWEEN -1000000000000 AND 1000000000000),
  reason TEXT NOT NULL CHECK (reason <> '')
) STRICT;
CREATE INDEX correction_token ON correction(token, day, spent);
CREATE INDEX correction_day ON correction(day, spent, unknown);

-- Ahrefs' own count beside the ledger's, at one moment.
CREATE TABLE reconciliation (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  token INTEGER NOT NULL REFERENCES token,
  with_issued INTEGER NOT NULL CHECK (with_issued IN (0, 1)), -- spent holds that of issued tokens too
  rows_left INTEGER NOT NULL,
  rows_limit INTEGER NOT NULL,
  spent INTEGER NOT NULL,
  unknown INTEGER NOT NULL,
  reserved INTEGER NOT NULL
) STRICT;
CREATE INDEX reconciliation_token ON reconciliation(token, id);
