-- rank decides about eviction among results of one kind: the least goes first. In tenths of a row per GiB; how
-- it is computed stands in daemon/cache/sweep.c.
-- own: 1 if it is upstream's own answer, 0 if it was derived.
DROP INDEX entry_worth;
ALTER TABLE entry DROP COLUMN worth;
ALTER TABLE entry ADD COLUMN own INTEGER GENERATED ALWAYS AS (source IS NULL) VIRTUAL;
ALTER TABLE entry ADD COLUMN rank INTEGER NOT NULL DEFAULT 0;
UPDATE entry SET rank = CAST((cost + saved) * 1073741824.0 / max(stored_bytes, 1) AS INTEGER);

CREATE INDEX entry_rank ON entry (own, rank, answered_at) WHERE state = 1;
