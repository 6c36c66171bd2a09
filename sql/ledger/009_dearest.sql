-- The dearest request so far to each source without a price of its own, and of each kind of request to it that
-- are alike (struct ledger_request in daemon/ledger/ledger.h). `parts` are the currency's smallest.
CREATE TABLE dearest (
  source TEXT NOT NULL,
  currency INTEGER NOT NULL CHECK (currency IN (0, 1)),
  parts INTEGER NOT NULL CHECK (parts > 0),
  PRIMARY KEY (source, currency)
) STRICT, WITHOUT ROWID;
