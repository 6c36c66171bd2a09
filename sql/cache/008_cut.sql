-- may_be_cut: upstream may have left out rows for another reason than the question's limit, as the plan of the
-- token may give no more at once.
ALTER TABLE entry ADD COLUMN may_be_cut INTEGER NOT NULL DEFAULT 0 CHECK (may_be_cut IN (0, 1));
