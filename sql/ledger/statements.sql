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
INSERT INTO token(fingerprint) VALUES (?1) ON CONFLICT (fingerprint) DO NOTHING;

-- name: find_token
SELECT id FROM token WHERE fingerprint = ?1;

-- name: list_names
SELECT fingerprint, name FROM token WHERE name IS NOT NULL;

-- name: reserve
INSERT INTO entry(request, at, day, token, key, source, target, state, estimated, most)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?9)
ON CONFLICT (request) DO NOTHING;

-- name: settle
UPDATE entry SET state = ?2, results = ?3, spent = ?4, settled_at = ?5
WHERE request = ?1 AND state = 0
RETURNING day, token, target;

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

-- name: find_target_day
SELECT 1 FROM target_day WHERE day = ?1 AND target = ?2;

-- name: report_token
SELECT fingerprint, requests, hits, misses, errors,
  results_high, results_low, spent_high, spent_low,
  unknown_high, unknown_low, saved_high, saved_low
FROM (
  SELECT token AS id,
  sum(requests) AS requests, sum(hits) AS hits, sum(misses) AS misses, sum(errors) AS errors,
    sum(results >> 32) AS results_high, sum(results & 4294967295) AS results_low,
    sum(spent >> 32) AS spent_high, sum(spent & 4294967295) AS spent_low,
    sum(unknown >> 32) AS unknown_high, sum(unknown & 4294967295) AS unknown_low,
    sum(saved >> 32) AS saved_high, sum(saved & 4294967295) AS saved_low
  FROM token_day WHERE day BETWEEN ?1 AND ?2 GROUP BY token
) JOIN token USING (id)
ORDER BY spent_high + (spent_low >> 32) DESC, spent_low & 4294967295 DESC, fingerprint;

-- name: report_target
SELECT target,
  sum(requests) AS requests, sum(hits) AS hits, sum(misses) AS misses, sum(errors) AS errors,
  sum(results >> 32) AS results_high, sum(results & 4294967295) AS results_low,
  sum(spent >> 32) AS spent_high, sum(spent & 4294967295) AS spent_low,
  sum(unknown >> 32) AS unknown_high, sum(unknown & 4294967295) AS unknown_low,
  sum(saved >> 32) AS saved_high, sum(saved & 4294967295) AS saved_low
FROM target_day WHERE day BETWEEN ?1 AND ?2 GROUP BY target
ORDER BY spent_high + (spent_low >> 32) DESC, spent_low & 4294967295 DESC, target;

-- name: report_day
SELECT day,
  sum(requests) AS requests, sum(hits) AS hits, sum(misses) AS misses, sum(errors) AS errors,
  sum(results >> 32) AS results_high, sum(results & 4294967295) AS results_low,
  sum(spent >> 32) AS spent_high, sum(spent & 4294967295) AS spent_low,
  sum(unknown >> 32) AS unknown_high, sum(unknown & 4294967295) AS unknown_low,
  sum(saved >> 32) AS saved_high, sum(saved & 4294967295) AS saved_low
FROM token_day WHERE day BETWEEN ?1 AND ?2 GROUP BY day
ORDER BY day;
