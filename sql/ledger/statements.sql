-- The statements of the ledger. An amount is bounded when it enters (LEDGER_AMOUNT_MOST), so that sum()
-- cannot overflow in a file that rowcache alone has written. In a file that somebody else has changed a
-- report may fail. A settlement must not: a total stays at 10^18, the min() of it and a sum that SQLite
-- has made a REAL.

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
SELECT fingerprint = ?2, revoked_at IS NOT NULL, name, ifnull(max(budget, 0), -1), budget_currency, per,
  warned
FROM token WHERE id = ?1;

-- name: find_usage
SELECT id, name, ifnull(max(budget, 0), -1), budget_currency, per FROM token WHERE fingerprint = ?1;

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
INSERT INTO token(fingerprint, name, kind, created_at, budget, budget_currency, per)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7);

-- name: register_token
UPDATE token
SET name = ?2, kind = 1, created_at = ?3, revoked_at = NULL, budget = ?4, budget_currency = ?5, per = ?6,
  warned = NULL
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
UPDATE token SET budget = ?2, budget_currency = ?3, per = ?4, warned = NULL WHERE id = ?1;

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
  ifnull(max(budget, 0), -1), budget_currency, per,
  ifnull((SELECT max(day) FROM token_day WHERE token = token.id), -1)
FROM token WHERE fingerprint <> zeroblob(32)
ORDER BY kind DESC, name IS NULL, name, fingerprint;

-- name: sum_spent
SELECT sum(spent) FROM token_day WHERE token = ?1 AND currency = ?2 AND day BETWEEN ?3 AND ?4;

-- name: sum_reserved
SELECT sum(most) FROM entry WHERE token = ?1 AND currency = ?2 AND state = 0;

-- name: sum_unsettled
SELECT sum(most) FROM entry
WHERE token = ?1 AND currency = ?2 AND state = 0 AND day BETWEEN ?3 AND ?4
  AND (?5 = '*' OR instr(?5, ' ' || request || ' '));

-- name: delete_old
-- ?3: 1 for the entries with a subject, 0 for those without.
DELETE FROM entry
WHERE id IN (SELECT id FROM entry WHERE state <> 0 AND (subject IS NOT NULL) = ?3 AND at < ?1
  ORDER BY at LIMIT ?2);

-- name: delete_ahead
-- Entries with a moment in the future (after ?4), as the clock was ahead. Such an entry is old if a later
-- one is old.
DELETE FROM entry
WHERE id IN (SELECT id FROM entry WHERE state <> 0 AND (subject IS NOT NULL) = ?3 AND at > ?4
  AND id < (SELECT id FROM entry WHERE state <> 0 AND (subject IS NOT NULL) = ?3 AND at < ?1
    ORDER BY at DESC LIMIT 1)
  ORDER BY at LIMIT ?2);

-- name: sum_bought
-- The slices of a subject that have ended, and its wholes: those that are open at their most. The greatest
-- offer of a whole that was not complete is that of the last one. The last condition is that of the index.
SELECT sum(spent) FILTER (WHERE offer IS NULL),
  sum(ifnull(spent, most)) FILTER (WHERE offer IS NOT NULL),
  max(offer) FILTER (WHERE complete = 0)
FROM entry
WHERE subject = ?1 AND currency = ?2 AND at BETWEEN ?3 AND ?4
  AND (offer IS NOT NULL OR spent IS NOT 0);

-- name: find_token_day
SELECT spent, unknown FROM token_day WHERE day = ?1 AND token = ?2 AND currency = ?3;

-- name: set_token_day
UPDATE token_day SET spent = ?4, unknown = ?5 WHERE day = ?1 AND token = ?2 AND currency = ?3;

-- name: add_correction
INSERT INTO correction(at, day, token, currency, spent, unknown, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7);

-- name: list_corrections
SELECT correction.at, correction.day, token.fingerprint, correction.currency, correction.spent,
  correction.unknown, correction.reason
FROM correction JOIN token ON token.id = correction.token
WHERE correction.day BETWEEN ?1 AND ?2
ORDER BY correction.id;

-- name: sum_account
SELECT sum(spent), sum(unknown) FROM token_day
WHERE currency = ?3 AND token IN (SELECT id FROM token WHERE id = ?1 OR (?2 AND kind = 2));

-- name: sum_account_reserved
SELECT sum(most) FROM entry
WHERE state = 0 AND currency = ?3 AND token IN (SELECT id FROM token WHERE id = ?1 OR (?2 AND kind = 2));

-- name: find_reconciliation
SELECT at, rows_left, rows_limit, spent, unknown, reserved, has_left, used IS NOT NULL, ifnull(used, 0)
FROM reconciliation
WHERE token = ?1 AND with_issued = ?2 AND currency = ?3 ORDER BY id DESC LIMIT 1;

-- name: add_reconciliation
INSERT INTO reconciliation(at, token, with_issued, currency, rows_left, rows_limit, spent, unknown, reserved,
  has_left, used)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11);

-- name: reserve
INSERT INTO entry(request, at, day, token, key, source, target, state, estimated, currency, most, owner,
  subject, offer, counts)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?9, ?10, (SELECT id FROM owner WHERE name = ?11), ?12, ?13, ?14)
ON CONFLICT (request) DO NOTHING;

-- name: find_dearest
SELECT parts FROM dearest WHERE source = ?1 AND currency = ?2;

-- name: note_dearest
INSERT INTO dearest(source, currency, parts) VALUES (?1, ?2, ?3)
ON CONFLICT (source, currency) DO UPDATE SET parts = excluded.parts WHERE parts < excluded.parts;

-- name: settle
UPDATE entry
SET state = ?2, results = ?3, spent = ?4, settled_at = ?5, token = ifnull(?6, token), owner = NULL,
  complete = ?7
WHERE request = ?1 AND state = 0
RETURNING day, token, target, counts;

-- name: delete_open
DELETE FROM entry WHERE request = ?1 AND state = 0 RETURNING day, token, currency, counts;

-- name: book_open
-- ?2: every owner is dead, even with a valid lease.
UPDATE entry SET state = 2, spent = most, settled_at = ?1
WHERE state = 0
  AND (?2 OR owner IS NULL OR owner IN (SELECT id FROM owner WHERE lease_until < ?1))
RETURNING day, token, target, counts, currency, spent;

-- name: disown
UPDATE entry SET owner = NULL WHERE owner IS NOT NULL;

-- name: delete_owners
DELETE FROM owner
WHERE lease_until < ?1 AND NOT EXISTS (SELECT 1 FROM entry WHERE entry.owner = owner.id);

-- name: hold_lease
INSERT INTO owner(name, lease_until) VALUES (?1, ?2)
ON CONFLICT (name) DO UPDATE SET lease_until = excluded.lease_until;

-- name: end_lease
UPDATE owner SET lease_until = 0 WHERE name = ?1;

-- name: find_lapsed
-- An entry of this owner that was booked after its lease had run out.
SELECT day, token, target, counts, currency, spent, settled_at FROM entry
WHERE request = ?1 AND state = 2 AND owner = (SELECT id FROM owner WHERE name = ?2);

-- name: reopen
UPDATE entry SET state = 0, spent = NULL, settled_at = NULL WHERE request = ?1;

-- name: unbook_token_day
-- Changes no row if a correction of the day was made since the booking (?5).
UPDATE token_day
SET requests = requests - ?6, misses = misses - ?6, spent = spent - ?4, unknown = unknown - ?4
WHERE day = ?1 AND token = ?2 AND currency = ?3 AND NOT EXISTS (
  SELECT 1 FROM correction WHERE token = ?2 AND day = ?1 AND currency = ?3 AND at >= ?5);

-- name: unbook_target_day
UPDATE target_day
SET requests = requests - ?5, misses = misses - ?5, spent = spent - ?4, unknown = unknown - ?4
WHERE day = ?1 AND target = ?2 AND currency = ?3;

-- name: unbook_target_month
UPDATE target_month
SET requests = requests - ?5, misses = misses - ?5, spent = spent - ?4, unknown = unknown - ?4
WHERE month = ?1 AND target = ?2 AND currency = ?3;

-- name: find_entry
SELECT entry.state, token.fingerprint, entry.at, entry.results, entry.currency, entry.most, entry.spent,
  entry.estimated
FROM entry JOIN token ON token.id = entry.token
WHERE entry.request = ?1;

-- name: add_token_day
INSERT INTO token_day(day, token, currency, requests, hits, misses, errors, results, spent, unknown, saved)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
ON CONFLICT (day, token, currency) DO UPDATE SET
  requests = requests + excluded.requests,
  hits = hits + excluded.hits,
  misses = misses + excluded.misses,
  errors = errors + excluded.errors,
  results = min(results + excluded.results, 1000000000000000000),
  spent = min(spent + excluded.spent, 1000000000000000000),
  unknown = min(unknown + excluded.unknown, 1000000000000000000),
  saved = min(saved + excluded.saved, 1000000000000000000);

-- name: add_target_day
INSERT INTO target_day(day, target, currency, requests, hits, misses, errors, results, spent, unknown, saved)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
ON CONFLICT (day, target, currency) DO UPDATE SET
  requests = requests + excluded.requests,
  hits = hits + excluded.hits,
  misses = misses + excluded.misses,
  errors = errors + excluded.errors,
  results = min(results + excluded.results, 1000000000000000000),
  spent = min(spent + excluded.spent, 1000000000000000000),
  unknown = min(unknown + excluded.unknown, 1000000000000000000),
  saved = min(saved + excluded.saved, 1000000000000000000);

-- name: add_target_month
INSERT INTO target_month(month, target, currency, requests, hits, misses, errors, results, spent, unknown, saved)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
ON CONFLICT (month, target, currency) DO UPDATE SET
  requests = requests + excluded.requests,
  hits = hits + excluded.hits,
  misses = misses + excluded.misses,
  errors = errors + excluded.errors,
  results = min(results + excluded.results, 1000000000000000000),
  spent = min(spent + excluded.spent, 1000000000000000000),
  unknown = min(unknown + excluded.unknown, 1000000000000000000),
  saved = min(saved + excluded.saved, 1000000000000000000);

-- name: find_target_day
SELECT 1 FROM target_day WHERE day = ?1 AND target = ?2;

-- name: report_token
-- This report and the next two include the requests whose settlement could not be written yet, at their
-- most and as unknown. The last parameter lists them (entries_list_unsettled()). A token with a kind or a
-- budget has a row even if it has asked nothing yet. The columns of each currency: spent, unknown, saved,
-- corrections of spent and (by target) of unknown, unsettled.
SELECT fingerprint,
  ifnull(requests, 0) + ifnull(late, 0), hits, ifnull(misses, 0) + ifnull(late, 0), errors, results,
  ifnull(rows_spent, 0) + ifnull(rows_late, 0), ifnull(rows_unknown, 0) + ifnull(rows_late, 0), rows_saved,
  (SELECT sum(spent) FROM correction WHERE correction.token = token.id AND day BETWEEN ?1 AND ?2 AND currency = 0), 0, rows_late,
  ifnull(units_spent, 0) + ifnull(units_late, 0), ifnull(units_unknown, 0) + ifnull(units_late, 0), units_saved,
  (SELECT sum(spent) FROM correction WHERE correction.token = token.id AND day BETWEEN ?1 AND ?2 AND currency = 1), 0, units_late,
  token.id, kind, revoked_at IS NOT NULL, ifnull(max(budget, 0), -1), budget_currency, per
FROM token LEFT JOIN (
  SELECT token AS id,
    sum(requests) AS requests, sum(hits) AS hits, sum(misses) AS misses, sum(errors) AS errors,
    sum(results) AS results,
    sum(spent) FILTER (WHERE currency = 0) AS rows_spent,
    sum(unknown) FILTER (WHERE currency = 0) AS rows_unknown,
    sum(saved) FILTER (WHERE currency = 0) AS rows_saved,
    sum(spent) FILTER (WHERE currency = 1) AS units_spent,
    sum(unknown) FILTER (WHERE currency = 1) AS units_unknown,
    sum(saved) FILTER (WHERE currency = 1) AS units_saved
  FROM token_day WHERE day BETWEEN ?1 AND ?2 GROUP BY token
) USING (id) LEFT JOIN (
  SELECT token AS id, sum(counts) AS late,
    sum(most) FILTER (WHERE currency = 0) AS rows_late,
    sum(most) FILTER (WHERE currency = 1) AS units_late
  FROM entry
  WHERE ?3 <> '' AND state = 0 AND day BETWEEN ?1 AND ?2
    AND (?3 = '*' OR instr(?3, ' ' || request || ' '))
  GROUP BY token
) USING (id)
WHERE requests IS NOT NULL OR late IS NOT NULL OR kind <> 0 OR budget IS NOT NULL
ORDER BY ifnull(rows_spent, 0) + ifnull(rows_late, 0) DESC, ifnull(units_spent, 0) + ifnull(units_late, 0) DESC,
  name IS NULL, name, fingerprint;

-- name: report_target
-- Whole months (?3 to ?4), and the days before (?1, ?2) and after (?5, ?6) them. In all ?7 to ?8.
SELECT target,
  sum(requests), sum(hits), sum(misses), sum(errors), sum(results),
  sum(spent) FILTER (WHERE currency = 0) AS rows_spent, sum(unknown) FILTER (WHERE currency = 0),
  sum(saved) FILTER (WHERE currency = 0),
  CASE WHEN target = '' THEN
    (SELECT sum(spent) FROM correction WHERE day BETWEEN ?7 AND ?8 AND currency = 0) END,
  CASE WHEN target = '' THEN
    (SELECT sum(unknown) FROM correction WHERE day BETWEEN ?7 AND ?8 AND currency = 0) END,
  sum(unsettled) FILTER (WHERE currency = 0),
  sum(spent) FILTER (WHERE currency = 1) AS units_spent, sum(unknown) FILTER (WHERE currency = 1),
  sum(saved) FILTER (WHERE currency = 1),
  CASE WHEN target = '' THEN
    (SELECT sum(spent) FROM correction WHERE day BETWEEN ?7 AND ?8 AND currency = 1) END,
  CASE WHEN target = '' THEN
    (SELECT sum(unknown) FROM correction WHERE day BETWEEN ?7 AND ?8 AND currency = 1) END,
  sum(unsettled) FILTER (WHERE currency = 1)
FROM (
  SELECT *, 0 AS unsettled FROM target_month WHERE month BETWEEN ?3 AND ?4
  UNION ALL
  SELECT *, 0 FROM target_day WHERE day BETWEEN ?1 AND ?2
  UNION ALL
  SELECT *, 0 FROM target_day WHERE day BETWEEN ?5 AND ?6
  UNION ALL
  SELECT day, target, currency, counts, 0, counts, 0, 0, most, most, 0, most FROM entry
  WHERE ?9 <> '' AND state = 0 AND day BETWEEN ?7 AND ?8
    AND (?9 = '*' OR instr(?9, ' ' || request || ' '))
) GROUP BY target
ORDER BY ifnull(rows_spent, 0) DESC, ifnull(units_spent, 0) DESC, target;

-- name: report_day
SELECT day,
  ifnull(requests, 0) + ifnull(late, 0), hits, ifnull(misses, 0) + ifnull(late, 0), errors, results,
  ifnull(rows_spent, 0) + ifnull(rows_late, 0), ifnull(rows_unknown, 0) + ifnull(rows_late, 0), rows_saved,
  (SELECT sum(spent) FROM correction WHERE correction.day = totals.day AND currency = 0), 0, rows_late,
  ifnull(units_spent, 0) + ifnull(units_late, 0), ifnull(units_unknown, 0) + ifnull(units_late, 0), units_saved,
  (SELECT sum(spent) FROM correction WHERE correction.day = totals.day AND currency = 1), 0, units_late
FROM (
  SELECT day,
    sum(requests) AS requests, sum(hits) AS hits, sum(misses) AS misses, sum(errors) AS errors,
    sum(results) AS results,
    sum(spent) FILTER (WHERE currency = 0) AS rows_spent,
    sum(unknown) FILTER (WHERE currency = 0) AS rows_unknown,
    sum(saved) FILTER (WHERE currency = 0) AS rows_saved,
    sum(spent) FILTER (WHERE currency = 1) AS units_spent,
    sum(unknown) FILTER (WHERE currency = 1) AS units_unknown,
    sum(saved) FILTER (WHERE currency = 1) AS units_saved
  FROM token_day WHERE day BETWEEN ?1 AND ?2 GROUP BY day
) AS totals FULL JOIN (
  SELECT day, sum(counts) AS late,
    sum(most) FILTER (WHERE currency = 0) AS rows_late,
    sum(most) FILTER (WHERE currency = 1) AS units_late
  FROM entry
  WHERE ?3 <> '' AND state = 0 AND day BETWEEN ?1 AND ?2
    AND (?3 = '*' OR instr(?3, ' ' || request || ' '))
  GROUP BY day
) USING (day)
ORDER BY day;
