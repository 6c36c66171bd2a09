-- What cache.buy_whole adds up. `subject`: the digest of table, target and mode; NULL: the entry does not
-- count. `offer`: the entry asked for the whole, at most for so much (daemon/plan/whole.h); NULL: it asked for
-- a slice. `complete`: the answer was all of the whole. Amounts are of the entry's currency.
ALTER TABLE entry ADD COLUMN subject BLOB CHECK (length(subject) = 32);
ALTER TABLE entry ADD COLUMN offer INTEGER CHECK (offer IS NULL OR (offer >= 0 AND subject IS NOT NULL));
ALTER TABLE entry ADD COLUMN complete INTEGER NOT NULL DEFAULT 0 CHECK (complete IN (0, 1));

-- For what a subject has cost: covers the sum, without the slices that cost nothing.
CREATE INDEX entry_bought ON entry(subject, currency, at, offer, complete, most, spent)
WHERE subject IS NOT NULL AND (offer IS NOT NULL OR spent IS NOT 0);

-- For deleting old entries; remembered ones can be kept for longer.
DROP INDEX entry_ended;
CREATE INDEX entry_ended ON entry((subject IS NOT NULL), at) WHERE state <> 0;
