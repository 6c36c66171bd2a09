-- What the ledger says to SQLite. Sums saturate at the greatest integer instead of becoming REAL:
-- `min(a, MAX - b) + b` with a and b not negative. The reports sum the upper and the lower 32 bits apart,
-- because sum() fails where it overflows; daemon/ledger/report.c puts them together.

-- name: find_secret
SELECT secret FROM meta WHERE id = 1;

-- name: put_secret
INSERT INTO meta(id, secret) VALUES (1, ?1);

-- name: probe
UPDATE meta SET probed_at = ?1 WHERE id = 1;

-- name: add_token
INSERT INTO token(fingerprint, created_at) VALUES (?1, ?2) ON CONFLICT (fingerprint) DO NOTHING;

-- name: find_token
SELECT id FROM token WHERE fingerprint = ?1
UNION ALL
SELECT token FROM token_retired WHERE fingerprint = ?1;

-- name: find_terms
SELECT fingerprint = ?2, revoked_at IS NOT NULL, name, ifnull(max(budget, 0), -1), per, warned
FROM token WHERE id = ?1;

-- name: set_warned
UPDATE token SET warned = ?2 WHERE id = ?1;

-- name: find_named
SELECT id FROM token WHERE name = ?1;

-- name: find_labelled
SELECT id, kind, revoked_at IS NOT NULL, name, fingerprint FROM token
WHERE fingerprint <> zeroblob(32) AND (name = ?1 OR hex(substr(fingerprint, 1, 4)) = upper(?1))
LIMIT 2;

-- name: find_by_id
SELECT id, kind, revoked_at IS NOT NULL, name, fingerprint FROM token WHERE id = ?1;

-- name: put_token
INSERT INTO token(fingerprint, name, kind, created_at, budget, per) VALUES (?1, ?2, ?3, ?4, ?5, ?6);

-- name: register_token
UPDATE token
SET name = ?2, kind = 1, created_at = ?3, revoked_at = NULL, budget = ?4, per = ?5, warned = NULL
WHERE id = ?1;

-- name: rename_token
UPDATE token SET name = ?2 WHERE id = ?1;

-- name: revoke_token
UPDATE token SET revoked_at = ifnull(revoked_at, ?2) WHERE id = ?1;

-- name: retire_token
INSERT INTO token_retired(fingerprint, token) SELECT fingerprint, id FROM token WHERE id = ?1;

-- name: rotate_token
UPDATE token SET fingerprint = ?2 WHERE id = ?1;

-- name: set_budget
UPDATE token SET budget = ?2, per = ?3, warned = NULL WHERE id = ?1;

-- name: set_no_cache
UPDATE token SET no_cache = ?2 WHERE id = ?1;

-- name: list_known
SELECT fingerprint, name, kind, revoked_at IS NOT NULL, no_cache, budget IS NOT NULL,
  EXISTS (SELECT 1 FROM token_day WHERE token = token.id AND spent > 0) AS has_spent
FROM token
WHERE kind <> 0 OR name IS NOT NULL OR revoked_at IS NOT NULL OR no_cache = 0 OR budget IS NOT NULL
  OR has_spent
UNION ALL
SELECT token_retired.fingerprint, name, kind, 1, no_cache, budget IS NOT NULL, 0
FROM token_retired JOIN token ON token.id = token_retired.token;

-- name: list_tokens
SELECT id, fingerprint, kind, ifnull(created_at, 0), ifnull(revoked_at, 0), no_cache,
  ifnull(max(budget, 0), -1), per, ifnull((SELECT max(day) FROM token_day WHERE token = token.id), -1)
FROM token WHERE fingerprint <> zeroblob(32)
ORDER BY kind DESC, name IS NULL, name, fingerprint;

-- name: sum_spent
SELECT sum(spent >> 32), sum(spent & 4294967295)
FROM token_day WHERE token = ?1 AND day BETWEEN ?2 AND ?3;

-- name: sum_reserved
SELECT sum(most >> 32), sum(most & 4294967295) FROM entry WHERE token = ?1 AND state = 0;

-- name: sum_unsettled
SELECT sum(most >> 32), sum(most & 4294967295) FROM entry
WHERE token = ?1 AND state = 0 AND day BETWEEN ?2 AND ?3
  AND (?4 = '*' OR instr(?4, ' ' || request || ' '));

-- name: delete_old
DELETE FROM entry
WHERE id IN (SELECT id FROM entry WHERE state <> 0 AND at < ?1 ORDER BY at LIMIT ?2);

-- name: delete_ahead
-- Entries whose moment (after ?3) cannot be, as the clock was ahead: old is what was booked before one
-- that is old.
DELETE FROM entry
WHERE id IN (SELECT id FROM entry WHERE state <> 0 AND at > ?3
  AND id < (SELECT id FROM entry WHERE state <> 0 AND at < ?1 ORDER BY at DESC LIMIT 1)
  ORDER BY at LIMIT ?2);

-- name: find_token_day
SELECT spent, unknown FROM token_day WHERE day = ?1 AND token = ?2;

-- name: set_token_day
UPDATE token_day SET spent = ?3, unknown = ?4 WHERE day = ?1 AND token = ?2;

-- name: add_correction
INSERT INTO correction(at, day, token, spent, unknown, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6);

-- name: list_corrections
SELECT correction.at, correction.day, token.fingerprint, correction.spent, correction.unknown,
  correction.reason
FROM correction JOIN token ON token.id = correction.token
WHERE correction.day BETWEEN ?1 AND ?2
ORDER BY correction.id;

-- name: sum_account
SELECT sum(spent >> 32), sum(spent & 4294967295), sum(unknown >> 32), sum(unknown & 4294967295)
FROM token_day
WHERE token IN (SELECT id FROM token WHERE id = ?1 OR (?2 AND kind = 2));

-- name: sum_account_reserved
SELECT sum(most >> 32), sum(most & 4294967295) FROM entry
WHERE state = 0 AND token IN (SELECT id FROM token WHERE id = ?1 OR (?2 AND kind = 2));

-- name: find_reconciliation
SELECT at, rows_left, rows_limit, spent, unknown, reserved, with_issued FROM reconciliation
WHERE token = ?1 AND with_issued = ?2 ORDER BY id DESC LIMIT 1;

-- name: add_reconciliation
INSERT INTO reconciliation(at, token, with_issued, rows_left, rows_limit, spent, unknown, reserved)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8);

-- name: reserve
INSERT INTO entry(request, at, day, token, key, source, target, state, estimated, most)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?9)
ON CONFLICT (request) DO NOTHING;

-- name: settle
UPDATE entry SET state = ?2, results = ?3, spent = ?4, settled_at = ?5, token = ifnull(?6, token)
WHERE request = ?1 AND state = 0
RETURNING day, token, target;

-- name: delete_open
DELETE FROM entry WHERE request = ?1 AND state = 0 RETURNING day, token;

-- name: book_open
UPDATE entry SET state = 2, spent = most, settled_at = ?1
WHERE state = 0
RETURNING day, token, target, spent;

-- name: find_entry
SELECT entry.state, token.fingerprint, entry.at, entry.results, entry.most, entry.spent, entry.estimated
FROM entry JOIN token ON token.id = entry.token
WHERE entry.request = ?1;

-- name: add_token_day
INSERT INTO token_day(day, token, requests, hits, misses, errors, results, spent, unknown, saved)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
ON CONFLICT (day, token) DO UPDATE SET
  requests = min(requests, 9223372036854775807 - excluded.requests) + excluded.requests,
  hits = min(hits, 9223372036854775807 - excluded.hits) + excluded.hits,
  misses = min(misses, 9223372036854775807 - excluded.misses) + excluded.misses,
  errors = min(errors, 9223372036854775807 - excluded.errors) + excluded.errors,
  results = min(results, 9223372036854775807 - excluded.results) + excluded.results,
  spent = min(spent, 9223372036854775807 - excluded.spent) + excluded.spent,
  unknown = min(unknown, 9223372036854775807 - excluded.unknown) + excluded.unknown,
  saved = min(saved, 9223372036854775807 - excluded.saved) + excluded.saved;

-- name: add_target_day
INSERT INTO target_day(day, target, requests, hits, misses, errors, results, spent, unknown, saved)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
ON CONFLICT (day, target) DO UPDATE SET
  requests = min(requests, 9223372036854775807 - excluded.requests) + excluded.requests,
  hits = min(hits, 9223372036854775807 - excluded.hits) + excluded.hits,
  misses = min(misses, 9223372036854775807 - excluded.misses) + excluded.misses,
  errors = min(errors, 9223372036854775807 - excluded.errors) + excluded.errors,
  results = min(results, 9223372036854775807 - excluded.results) + excluded.results,
  spent = min(spent, 9223372036854775807 - excluded.spent) + excluded.spent,
  unknown = min(unknown, 9223372036854775807 - excluded.unknown) + excluded.unknown,
  saved = min(saved, 9223372036854775807 - excluded.saved) + excluded.saved;

-- name: add_target_month
INSERT INTO target_month(month, target, requests, hits, misses, errors, results, spent, unknown, saved)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
ON CONFLICT (month, target) DO UPDATE SET
  requests = min(requests, 9223372036854775807 - excluded.requests) + excluded.requests,
  hits = min(hits, 9223372036854775807 - excluded.hits) + excluded.hits,
  misses = min(misses, 9223372036854775807 - excluded.misses) + excluded.misses,
  errors = min(errors, 9223372036854775807 - excluded.errors) + excluded.errors,
  results = min(results, 9223372036854775807 - excluded.results) + excluded.results,
  spent = min(spent, 9223372036854775807 - excluded.spent) + excluded.spent,
  unknown = min(unknown, 9223372036854775807 - excluded.unknown) + excluded.unknown,
  saved = min(saved, 9223372036854775807 - excluded.saved) + excluded.saved;

-- name: find_target_day
SELECT 1 FROM target_day WHERE day = ?1 AND target = ?2;

-- name: report_token
-- This and the next two also hold what could not be settled yet, at its most and as unknown. The last
-- parameter names it (entry_list_unsettled()). Tokens that have a kind or a budget, but have asked
-- nothing yet, have a row, too.
SELECT fingerprint,
  ifnull(requests, 0) + ifnull(late, 0), hits, ifnull(misses, 0) + ifnull(late, 0), errors,
  results_high, results_low,
  ifnull(spent_high, 0) + ifnull(late_high, 0), ifnull(spent_low, 0) + ifnull(late_low, 0),
  ifnull(unknown_high, 0) + ifnull(late_high, 0), ifnull(unknown_low, 0) + ifnull(late_low, 0),
  saved_high, saved_low,
  (SELECT ifnull(sum(spent), 0) FROM correction
    WHERE correction.token = token.id AND day BETWEEN ?1 AND ?2),
  0,
  late_high, late_low,
  token.id, kind, revoked_at IS NOT NULL, ifnull(max(budget, 0), -1), per
FROM token LEFT JOIN (
  SELECT token AS id,
    sum(requests) AS requests, sum(hits) AS hits, sum(misses) AS misses, sum(errors) AS errors,
    sum(results >> 32) AS results_high, sum(results & 4294967295) AS results_low,
    sum(spent >> 32) AS spent_high, sum(spent & 4294967295) AS spent_low,
    sum(unknown >> 32) AS unknown_high, sum(unknown & 4294967295) AS unknown_low,
    sum(saved >> 32) AS saved_high, sum(saved & 4294967295) AS saved_low
  FROM token_day WHERE day BETWEEN ?1 AND ?2 GROUP BY token
) USING (id) LEFT JOIN (
  SELECT token AS id, count(*) AS late,
    sum(most >> 32) AS late_high, sum(most & 4294967295) AS late_low
  FROM entry
  WHERE ?3 <> '' AND state = 0 AND day BETWEEN ?1 AND ?2
    AND (?3 = '*' OR instr(?3, ' ' || request || ' '))
  GROUP BY token
) USING (id)
WHERE requests IS NOT NULL OR late IS NOT NULL OR kind <> 0 OR budget IS NOT NULL
ORDER BY
  ifnull(spent_high, 0) + ifnull(late_high, 0) + (ifnull(spent_low, 0) + ifnull(late_low, 0) >> 32) DESC,
  ifnull(spent_low, 0) + ifnull(late_low, 0) & 4294967295 DESC, name IS NULL, name, fingerprint;

-- name: report_target
-- Whole months (?3 to ?4), and the days before (?1, ?2) and after (?5, ?6) them. In all ?7 to ?8.
SELECT target,
  sum(requests) AS requests, sum(hits) AS hits, sum(misses) AS misses, sum(errors) AS errors,
  sum(results >> 32) AS results_high, sum(results & 4294967295) AS results_low,
  sum(spent >> 32) AS spent_high, sum(spent & 4294967295) AS spent_low,
  sum(unknown >> 32) AS unknown_high, sum(unknown & 4294967295) AS unknown_low,
  sum(saved >> 32) AS saved_high, sum(saved & 4294967295) AS saved_low,
  CASE WHEN target = '' THEN
    (SELECT ifnull(sum(spent), 0) FROM correction WHERE day BETWEEN ?7 AND ?8) ELSE 0 END,
  CASE WHEN target = '' THEN
    (SELECT ifnull(sum(unknown), 0) FROM correction WHERE day BETWEEN ?7 AND ?8) ELSE 0 END,
  sum(unsettled >> 32), sum(unsettled & 4294967295)
FROM (
  SELECT *, 0 AS unsettled FROM target_month WHERE month BETWEEN ?3 AND ?4
  UNION ALL
  SELECT *, 0 FROM target_day WHERE day BETWEEN ?1 AND ?2
  UNION ALL
  SELECT *, 0 FROM target_day WHERE day BETWEEN ?5 AND ?6
  UNION ALL
  SELECT day, target, 1, 0, 1, 0, 0, most, most, 0, most FROM entry
  WHERE ?9 <> '' AND state = 0 AND day BETWEEN ?7 AND ?8
    AND (?9 = '*' OR instr(?9, ' ' || request || ' '))
) GROUP BY target
ORDER BY spent_high + (spent_low >> 32) DESC, spent_low & 4294967295 DESC, target;

-- name: report_day
SELECT day,
  ifnull(requests, 0) + ifnull(late, 0), hits, ifnull(misses, 0) + ifnull(late, 0), errors,
  results_high, results_low,
  ifnull(spent_high, 0) + ifnull(late_high, 0), ifnull(spent_low, 0) + ifnull(late_low, 0),
  ifnull(unknown_high, 0) + ifnull(late_high, 0), ifnull(unknown_low, 0) + ifnull(late_low, 0),
  saved_high, saved_low,
  (SELECT ifnull(sum(spent), 0) FROM correction WHERE correction.day = totals.day), 0,
  late_high, late_low
FROM (
  SELECT day,
    sum(requests) AS requests, sum(hits) AS hits, sum(misses) AS misses, sum(errors) AS errors,
    sum(results >> 32) AS results_high, sum(results & 4294967295) AS results_low,
    sum(spent >> 32) AS spent_high, sum(spent & 4294967295) AS spent_low,
    sum(unknown >> 32) AS unknown_high, sum(unknown & 4294967295) AS unknown_low,
    sum(saved >> 32) AS saved_high, sum(saved & 4294967295) AS saved_low
  FROM token_day WHERE day BETWEEN ?1 AND ?2 GROUP BY day
) AS totals FULL JOIN (
  SELECT day, count(*) AS late,
    sum(most >> 32) AS late_high, sum(most & 4294967295) AS late_low
  FROM entry
  WHERE ?3 <> '' AND state = 0 AND day BETWEEN ?1 AND ?2
    AND (?3 = '*' OR instr(?3, ' ' || request || ' '))
  GROUP BY day
) USING (day)
ORDER BY day;
