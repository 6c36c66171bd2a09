-- The dearest request so far to each source (daemon/ledger/ledger.h, price_is_learned) without a price of its
-- own. `parts` are the currency's smallest.
CREATE TABLE dearest (
  source TEXT NOT NULL,
  currency INTEGER NOT NULL CHECK (currency IN (0, 1)),
  parts INTEGER NOT NULL CHECK (parts > 0),
  PRIMARY KEY (source, currency)
) STRICT, WITHOUT ROWID;
