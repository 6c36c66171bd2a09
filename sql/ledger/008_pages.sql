-- A request that is answered from several pages has an entry for each that it bought. `counts`: what the entry
-- adds to the numbers of requests and misses; 0: another entry counts for the same request.
ALTER TABLE entry ADD COLUMN counts INTEGER NOT NULL DEFAULT 1 CHECK (counts IN (0, 1));
