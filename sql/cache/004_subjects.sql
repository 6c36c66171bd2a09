-- subject: a digest of the table, target and mode of a question. Answers to other questions about the subject
-- may be derived from the result. NULL: none may.
-- conditions: how many the question has.
-- source: the id of the entry from which this one was computed; NULL: it is upstream's own answer. The source
-- may be gone.
-- saved: what the hits have saved, in the currency of cost. A derived answer counts as a hit of its source.
ALTER TABLE entry ADD COLUMN subject BLOB CHECK (length(subject) = 32);
ALTER TABLE entry ADD COLUMN conditions INTEGER NOT NULL DEFAULT 0;
ALTER TABLE entry ADD COLUMN source INTEGER;
ALTER TABLE entry ADD COLUMN saved INTEGER NOT NULL DEFAULT 0;
-- Until now, each hit saved the cost. CAST brings what is too large for an integer back into range.
UPDATE entry SET saved = CAST(cost * hits AS INTEGER);

CREATE INDEX entry_sources ON entry (subject, conditions, body_length, answered_at)
  WHERE state = 1 AND source IS NULL;
CREATE INDEX entry_copies ON entry (subject) WHERE state = 1 AND source IS NOT NULL;
CREATE INDEX entry_copies_of ON entry (source) WHERE state = 1 AND source IS NOT NULL;
