-- name: condemn_filling
UPDATE entry SET state = 2 WHERE state = 0;

-- name: last_id
-- The greatest id that was ever used and is still in the file.
SELECT max(coalesce((SELECT max(id) FROM entry), 0), coalesce((SELECT max(id) FROM chunk) >> 24, 0));

-- name: count_live
SELECT count(*) FROM entry WHERE state = 1;

-- name: find_entry
SELECT id, key, results, body_length, stored_bytes, cost, answered_at, hits, content_type, validator,
  currency, saved, source, ifnull(listed, -1), may_be_cut,
  ifnull(subject, x'')
FROM entry WHERE key = ?1 AND state = 1;

-- name: is_live
SELECT 1 FROM entry WHERE id = ?1 AND state = 1;

-- name: read_chunk
-- length() of a blob reads its header only, so a blob that is too long is not loaded.
SELECT entry.body_length, chunk.raw_length, chunk.data
FROM entry LEFT JOIN chunk ON chunk.id = ?2 AND length(chunk.data) <= ?3
WHERE entry.id = ?1;

-- name: insert_entry
INSERT INTO entry (id, key, normal, target, stored_bytes, validator, subject, conditions, source)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9);

-- name: extend_entry
-- Changes a row only if every chunk before this one is there: ?4 is where the chunk begins.
UPDATE entry SET body_length = body_length + ?2, stored_bytes = stored_bytes + ?3
WHERE id = ?1 AND state = 0 AND body_length = ?4;

-- name: insert_chunk
INSERT INTO chunk (id, raw_length, data) VALUES (?1, ?2, ?3);

-- name: complete_entry
-- Changes a row only if all chunks are there: ?6 is the length of the body.
UPDATE entry SET results = ?2, cost = ?3, answered_at = ?4, content_type = ?5, currency = ?7,
  listed = ?8, may_be_cut = ?9
WHERE id = ?1 AND state = 0 AND body_length = ?6;

-- name: condemn_key
UPDATE entry SET state = 2 WHERE key = ?1 AND state = 1;

-- name: condemn_copies
UPDATE entry SET state = 2 WHERE subject = ?1 AND state = 1 AND source IS NOT NULL;

-- name: copy_is_wanted
-- The source ?1 is live, and the key ?2 has no result of upstream's own.
SELECT 1 FROM entry WHERE id = ?1 AND state = 1
  AND NOT EXISTS (SELECT 1 FROM entry WHERE key = ?2 AND state = 1 AND source IS NULL);

-- name: publish_entry
-- ?2 is the inflation, for the rank: see 005_eviction.sql. CAST brings what is too large for an integer back
-- into range.
UPDATE entry SET state = 1, rank = CAST(?2 + cost * 1073741824.0 / max(stored_bytes, 1) AS INTEGER)
WHERE id = ?1;

-- name: add_hits
-- ?3: what they saved in rows, ?4: in units. What is not of the currency of the cost is not added. ?5 is the
-- inflation.
UPDATE entry SET hits = hits + ?2, saved = CAST(saved + iif(currency, ?4, ?3) AS INTEGER),
  rank = CAST(?5 + (cost + saved + iif(currency, ?4, ?3)) * 1073741824.0 / max(stored_bytes, 1) AS INTEGER)
WHERE id = ?1 AND state = 1;

-- name: condemn_live_entry
UPDATE entry SET state = 2 WHERE id = ?1 AND state = 1;

-- name: condemn_filling_entry
UPDATE entry SET state = 2 WHERE id = ?1 AND state = 0;

-- name: oldest
-- What was answered until ?1.
SELECT id, stored_bytes, own, rank FROM entry
WHERE state = 1 AND answered_at <= ?1 ORDER BY answered_at LIMIT 1;

-- name: least_worthy
SELECT id, stored_bytes, own, rank FROM entry
WHERE state = 1 ORDER BY own, rank, answered_at LIMIT 1;

-- name: least_rank
SELECT coalesce(min(rank), 0) FROM entry WHERE state = 1 AND own = 1;

-- name: condemned_bytes
-- total() cannot overflow.
SELECT CAST(total(max(stored_bytes, 0)) AS INTEGER) FROM entry WHERE state = 2;

-- name: space
SELECT page_size, page_count, freelist_count
FROM pragma_page_size, pragma_page_count, pragma_freelist_count;

-- name: sweepable
-- A new pass begins at ?1 = 0. Ids of 0 or less, which only a damaged file has, belong to it.
SELECT id FROM entry WHERE state <> 1 AND (id > ?1 OR (?1 = 0 AND id <= 0)) ORDER BY id LIMIT ?2;

-- name: is_sweepable
SELECT 1 FROM entry WHERE id = ?1 AND state <> 1;

-- name: first_chunk
SELECT min(id) FROM chunk WHERE id BETWEEN ?1 AND ?2;

-- name: shrink_entry
-- ?4: what a chunk takes beside its data.
UPDATE entry SET stored_bytes =
  max(0, stored_bytes - (SELECT coalesce(sum(length(data) + ?4), 0) FROM chunk
                         WHERE id BETWEEN ?2 AND ?3))
WHERE id = ?1;

-- name: delete_chunks
DELETE FROM chunk WHERE id BETWEEN ?1 AND ?2;

-- name: delete_entry
DELETE FROM entry WHERE id = ?1;

-- name: list_entries
SELECT id, key, results, body_length, stored_bytes, cost, answered_at, hits, content_type,
  validator, currency, saved, source, ifnull(listed, -1), may_be_cut,
  ifnull(subject, x''), normal, target
FROM entry WHERE state = 1 ORDER BY answered_at DESC, id DESC LIMIT ?1;

-- name: show_entries
SELECT id, key, results, body_length, stored_bytes, cost, answered_at, hits, content_type,
  validator, currency, saved, source, ifnull(listed, -1), may_be_cut,
  ifnull(subject, x''), normal, target
FROM entry WHERE key BETWEEN ?1 AND ?2 AND state = 1 ORDER BY key;

-- name: list_sources
-- Where there are more than the limit, those stay that hold the most.
SELECT id, key, results, body_length, stored_bytes, cost, answered_at, hits, content_type,
  validator, currency, saved, source, ifnull(listed, -1), may_be_cut,
  ifnull(subject, x''), normal, target
FROM entry
WHERE subject = ?1 AND state = 1 AND source IS NULL AND answered_at BETWEEN ?2 AND ?3
ORDER BY conditions, body_length DESC LIMIT ?4;

-- name: count_keys
SELECT count(*) FROM entry WHERE key BETWEEN ?1 AND ?2 AND state = 1;

-- name: purge_all
UPDATE entry SET state = 2 WHERE state = 1;

-- name: purge_target
UPDATE entry SET state = 2 WHERE target = ?1 AND state = 1;

-- name: purge_copies_of_keys
UPDATE entry SET state = 2
WHERE state = 1 AND source IN (SELECT id FROM entry WHERE key BETWEEN ?1 AND ?2 AND state = 1);

-- name: purge_keys
UPDATE entry SET state = 2 WHERE key BETWEEN ?1 AND ?2 AND state = 1;

-- name: purge_older
UPDATE entry SET state = 2 WHERE (answered_at < ?1 OR answered_at > ?2) AND state = 1;
