-- What the ETag of a result is made of: random, so that no two results ever have the same, whatever becomes
-- of ids, of the file, and of its copies.
ALTER TABLE entry ADD COLUMN validator BLOB CHECK (length(validator) = 16);
UPDATE entry SET validator = randomblob(16);
