-- has_left: 0 if Ahrefs knows no limit; rows_left and rows_limit, which are of the row's currency, are 0 then.
-- used: what Ahrefs says was spent with the token in its present period. NULL: it does not say.
ALTER TABLE reconciliation ADD COLUMN has_left INTEGER NOT NULL DEFAULT 1 CHECK (has_left IN (0, 1));
ALTER TABLE reconciliation ADD COLUMN used INTEGER;
