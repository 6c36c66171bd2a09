-- Runs of daemons, with random names. Until lease_until (milliseconds since 1970) no other run books the
-- open entries of a run as unknown.
CREATE TABLE owner (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE CHECK (length(name) = 32),
  lease_until INTEGER NOT NULL
) STRICT;

-- The run that may still settle the entry, which is open, or was booked as unknown after the run's lease
-- had run out. NULL: none, as the entry is settled or its owner is dead.
ALTER TABLE entry ADD COLUMN owner INTEGER REFERENCES owner;
CREATE INDEX entry_owner ON entry(owner) WHERE owner IS NOT NULL;
