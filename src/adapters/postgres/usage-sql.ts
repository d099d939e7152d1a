/** How usage is added up in SQL: by every function of the schema the same way. */
import { USAGE_WINDOW_MS } from '../../domain/metering/usage.ts';
import { USAGE_ROLLUPS_MS } from '../../domain/metering/usage-spans.ts';

/** So far from any instant that every sum of the two has 17 digits: such texts are in the order of the instants. */
const TO_17_DIGITS = 5 * 10 ** 16;
const OF_17_DIGITS = (instant: string): string => `(${instant} + ${TO_17_DIGITS})::text`;

/**
 * What rows of `pulse` add up to: the last one by (occurred_at, key) as the greatest of texts, which takes no
 * memory for rows that are not it, as an ordered list would.
 */
export const ADD_UP_PULSES = `count(*) AS count, sum(amount) AS sum, min(amount) AS min, max(amount) AS max,
  max(${OF_17_DIGITS('occurred_at')} || key::text || amount::text COLLATE "C") AS last_one`;

/** What rows that are totals themselves add up to: of windows in which something counts. */
export const ADD_UP_TOTALS = `sum(count)::bigint AS count, sum(sum) AS sum, min(min) AS min, max(max) AS max,
  max(${OF_17_DIGITS('last_at')} || last_key::text || last::text COLLATE "C") AS last_one`;

/** The columns of a total, of rows that ADD_UP_PULSES or ADD_UP_TOTALS has made. */
export const TOTAL = `count, sum, min, max, left(last_one, 17)::bigint - ${TO_17_DIGITS} AS last_at,
  substr(last_one, 18, 36)::uuid AS last_key, substr(last_one, 54)::numeric AS last`;

/** The window that a pulse counts in. */
export const START = `occurred_at - mod(occurred_at, ${USAGE_WINDOW_MS}) AS start`;

/** The lengths of rollups, ms, ascending. */
export const ROLLUPS = `ARRAY[${USAGE_ROLLUPS_MS.join(', ')}]`;

/** Rises once a transaction, whatever version a recompute between two steps has given out. */
export const NEXT_VERSION = `CASE w.xmin WHEN pg_current_xact_id()::xid THEN w.version
        ELSE greatest(p_version, w.version + 1) END`;

/** Of the row `w` and the one that is added to it. */
const THE_LATER_LAST = `(last_at, last_key, last) = (
        SELECT CASE WHEN later THEN EXCLUDED.last_at ELSE w.last_at END,
          CASE WHEN later THEN EXCLUDED.last_key ELSE w.last_key END,
          CASE WHEN later THEN EXCLUDED.last ELSE w.last END
        FROM (SELECT (EXCLUDED.last_at, EXCLUDED.last_key) > (w.last_at, w.last_key)) AS place (later))`;

/**
 * Adds the rows of `added` to the partition's windows. A window that had come to nothing begins
 * anew.
 */
export const ADD_USAGE = `
  INSERT INTO usage_window AS w (start, series, partition, count, last_at, version, sent_version,
      last_key, sum, min, max, last)
    SELECT start, series, p_partition, count, last_at, p_version, 0, last_key, sum, min, max, last
    FROM added ORDER BY series, start
    ON CONFLICT (series, start, partition) DO UPDATE SET
      count = w.count + EXCLUDED.count,
      sum = w.sum + EXCLUDED.sum,
      min = CASE WHEN w.count = 0 THEN EXCLUDED.min ELSE least(w.min, EXCLUDED.min) END,
      max = CASE WHEN w.count = 0 THEN EXCLUDED.max ELSE greatest(w.max, EXCLUDED.max) END,
      ${THE_LATER_LAST},
      version = ${NEXT_VERSION}`;

/** What `usage_rollup` is filled with: a place, and TOTAL. */
export const ROLLUP_COLUMNS =
  'series, length, start, partition, count, sum, min, max, last_at, last_key, last';

/** Adds the rows of `added`, each of a window, to the partition's rollups. */
export const ADD_ROLLUPS = `
  INSERT INTO usage_rollup AS w (${ROLLUP_COLUMNS})
    SELECT series, length, first, p_partition, ${TOTAL}
    FROM (SELECT series, length, start - mod(start, length) AS first, ${ADD_UP_TOTALS}
      FROM added CROSS JOIN unnest(${ROLLUPS}) AS rollup (length)
      GROUP BY series, length, first) rollups
    ORDER BY series, length, first
    ON CONFLICT (series, length, start, partition) DO UPDATE SET
      count = w.count + EXCLUDED.count,
      sum = w.sum + EXCLUDED.sum,
      min = least(w.min, EXCLUDED.min),
      max = greatest(w.max, EXCLUDED.max),
      ${THE_LATER_LAST}`;
