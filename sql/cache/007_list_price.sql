-- listed: the list price of the answer as upstream told it, in the currency of cost; what was charged may be
-- less. NULL: not known.
ALTER TABLE entry ADD COLUMN listed INTEGER CHECK (listed >= 0);
