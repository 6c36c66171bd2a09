-- The totals of targets by month, so that a report over years need not read a row for each target and day.
-- They change with the totals of the day, in the same transaction. `month` is its first day; the month of a
-- day depends on the calendar alone.
CREATE TABLE target_month (
  month INTEGER NOT NULL,
  target TEXT NOT NULL,
  requests INTEGER NOT NULL,
  hits INTEGER NOT NULL CHECK (hits >= 0),
  misses INTEGER NOT NULL CHECK (misses >= 0),
  errors INTEGER NOT NULL CHECK (errors >= 0),
  results INTEGER NOT NULL CHECK (results >= 0),
  spent INTEGER NOT NULL CHECK (spent >= 0),
  unknown INTEGER NOT NULL CHECK (unknown BETWEEN 0 AND spent),
  saved INTEGER NOT NULL CHECK (saved >= 0),
  PRIMARY KEY (month, target),
  CHECK (requests >= hits + misses + errors)
) STRICT, WITHOUT ROWID;

-- The halves of each integer are summed apart; a sum that would be more is the greatest integer.
INSERT INTO target_month
SELECT month, target, requests, hits, misses, errors,
  CASE WHEN results_high + (results_low >> 32) > 2147483647 THEN 9223372036854775807
    ELSE (results_high + (results_low >> 32)) << 32 | (results_low & 4294967295) END,
  CASE WHEN spent_high + (spent_low >> 32) > 2147483647 THEN 9223372036854775807
    ELSE (spent_high + (spent_low >> 32)) << 32 | (spent_low & 4294967295) END,
  CASE WHEN unknown_high + (unknown_low >> 32) > 2147483647 THEN 9223372036854775807
    ELSE (unknown_high + (unknown_low >> 32)) << 32 | (unknown_low & 4294967295) END,
  CASE WHEN saved_high + (saved_low >> 32) > 2147483647 THEN 9223372036854775807
    ELSE (saved_high + (saved_low >> 32)) << 32 | (saved_low & 4294967295) END
FROM (
  SELECT unixepoch(day * 86400, 'unixepoch', 'start of month') / 86400 AS month, target,
    sum(requests) AS requests, sum(hits) AS hits, sum(misses) AS misses, sum(errors) AS errors,
    sum(results >> 32) AS results_high, sum(results & 4294967295) AS results_low,
    sum(spent >> 32) AS spent_high, sum(spent & 4294967295) AS spent_low,
    sum(unknown >> 32) AS unknown_high, sum(unknown & 4294967295) AS unknown_low,
    sum(saved >> 32) AS saved_high, sum(saved & 4294967295) AS saved_low
  FROM target_day GROUP BY month, target
);
