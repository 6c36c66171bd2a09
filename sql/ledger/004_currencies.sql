-- Every amount has a currency: 0 rows (in tenths), 1 units (whole). Amounts of two currencies are never
-- added up. Amounts from before this migration are rows.
ALTER TABLE entry ADD COLUMN currency INTEGER NOT NULL DEFAULT 0 CHECK (currency IN (0, 1));
ALTER TABLE token ADD COLUMN budget_currency INTEGER NOT NULL DEFAULT 0 CHECK (budget_currency IN (0, 1));
ALTER TABLE correction ADD COLUMN currency INTEGER NOT NULL DEFAULT 0 CHECK (currency IN (0, 1));
ALTER TABLE reconciliation ADD COLUMN currency INTEGER NOT NULL DEFAULT 0 CHECK (currency IN (0, 1));

DROP INDEX entry_reserved;
CREATE INDEX entry_reserved ON entry(token, state, currency, most) WHERE state = 0; -- state: so that it covers
DROP INDEX correction_token;
CREATE INDEX correction_token ON correction(token, day, currency, spent);
DROP INDEX correction_day;
CREATE INDEX correction_day ON correction(day, currency, spent, unknown);

-- A request is counted in the row of the currency that it cost or saved, once.
CREATE TABLE token_day_new (
  day INTEGER NOT NULL,
  token INTEGER NOT NULL REFERENCES token,
  currency INTEGER NOT NULL CHECK (currency IN (0, 1)),
  requests INTEGER NOT NULL,
  hits INTEGER NOT NULL CHECK (hits >= 0),
  misses INTEGER NOT NULL CHECK (misses >= 0),
  errors INTEGER NOT NULL CHECK (errors >= 0),
  results INTEGER NOT NULL CHECK (results >= 0),
  spent INTEGER NOT NULL CHECK (spent >= 0),
  unknown INTEGER NOT NULL CHECK (unknown BETWEEN 0 AND spent),
  saved INTEGER NOT NULL CHECK (saved >= 0),
  PRIMARY KEY (day, token, currency),
  CHECK (requests >= hits + misses + errors)
) STRICT, WITHOUT ROWID;
INSERT INTO token_day_new
SELECT day, token, 0, requests, hits, misses, errors, results, spent, unknown, saved FROM token_day;
DROP TABLE token_day;
ALTER TABLE token_day_new RENAME TO token_day;
CREATE INDEX token_day_token ON token_day(token, day, currency, spent);

CREATE TABLE target_day_new (
  day INTEGER NOT NULL,
  target TEXT NOT NULL, -- empty: none, or not known here
  currency INTEGER NOT NULL CHECK (currency IN (0, 1)),
  requests INTEGER NOT NULL,
  hits INTEGER NOT NULL CHECK (hits >= 0),
  misses INTEGER NOT NULL CHECK (misses >= 0),
  errors INTEGER NOT NULL CHECK (errors >= 0),
  results INTEGER NOT NULL CHECK (results >= 0),
  spent INTEGER NOT NULL CHECK (spent >= 0),
  unknown INTEGER NOT NULL CHECK (unknown BETWEEN 0 AND spent),
  saved INTEGER NOT NULL CHECK (saved >= 0),
  PRIMARY KEY (day, target, currency),
  CHECK (requests >= hits + misses + errors)
) STRICT, WITHOUT ROWID;
INSERT INTO target_day_new
SELECT day, target, 0, requests, hits, misses, errors, results, spent, unknown, saved FROM target_day;
DROP TABLE target_day;
ALTER TABLE target_day_new RENAME TO target_day;

CREATE TABLE target_month_new (
  month INTEGER NOT NULL, -- its first day
  target TEXT NOT NULL,
  currency INTEGER NOT NULL CHECK (currency IN (0, 1)),
  requests INTEGER NOT NULL,
  hits INTEGER NOT NULL CHECK (hits >= 0),
  misses INTEGER NOT NULL CHECK (misses >= 0),
  errors INTEGER NOT NULL CHECK (errors >= 0),
  results INTEGER NOT NULL CHECK (results >= 0),
  spent INTEGER NOT NULL CHECK (spent >= 0),
  unknown INTEGER NOT NULL CHECK (unknown BETWEEN 0 AND spent),
  saved INTEGER NOT NULL CHECK (saved >= 0),
  PRIMARY KEY (month, target, currency),
  CHECK (requests >= hits + misses + errors)
) STRICT, WITHOUT ROWID;
INSERT INTO target_month_new
SELECT month, target, 0, requests, hits, misses, errors, results, spent, unknown, saved FROM target_month;
DROP TABLE target_month;
ALTER TABLE target_month_new RENAME TO target_month;
