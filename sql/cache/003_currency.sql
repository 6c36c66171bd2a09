-- What cost counts: 0 tenths of a row, 1 units (enum currency in base/money.h). All that was stored before
-- was paid for in rows.
ALTER TABLE entry ADD COLUMN currency INTEGER NOT NULL DEFAULT 0 CHECK (currency IN (0, 1));
