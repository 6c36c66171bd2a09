-- Runs of daemons, by a name made at random. Until lease_until (milliseconds since 1970) nobody else books
-- the open entries of a run as unknown.
CREATE TABLE owner (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE CHECK (length(name) = 32),
  lease_until INTEGER NOT NULL
) STRICT;

-- The run that may still settle the entry: it is open, or was booked as unknown when the run's lease was
-- over. NULL: nobody, it is settled or its owner is dead.
ALTER TABLE entry ADD COLUMN owner INTEGER REFERENCES owner;
CREATE INDEX entry_owner ON entry(owner) WHERE owner IS NOT NULL;
