-- Of the results with equally many conditions, the longest come first: see list_sources.
DROP INDEX entry_sources;
CREATE INDEX entry_sources ON entry (subject, conditions, body_length DESC, answered_at)
  WHERE state = 1 AND source IS NULL;
