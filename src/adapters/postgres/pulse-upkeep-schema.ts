/** What the server does for the upkeep of the pulse ledger: recompute, reset, forget, restore. */
import { USAGE_WINDOW_MS } from '../../domain/metering/usage.ts';
import { USAGE_DAY_MS } from '../../domain/metering/usage-spans.ts';
import { PULSE_STATES } from './pulse-states.ts';
import { ADD_UP_PULSES, ADD_UP_TOTALS, ROLLUPS, START, TOTAL } from './usage-sql.ts';

const { counted, voided } = PULSE_STATES;

/** What an operator does to a ledger: all of it at rest, none of it in a step's way for long. */
export const UPKEEP = `
  CREATE FUNCTION mark_usage_sent(
    p_partition integer[], p_series integer[], p_start bigint[], p_version bigint[]
  ) RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    -- The steps of these partitions wait, or the order of windows could lock one of both out.
    PERFORM FROM pulse_progress WHERE partition = ANY (p_partition) ORDER BY partition FOR UPDATE;
    UPDATE usage_window w SET sent_version = greatest(w.sent_version, least(w.version, r.version))
      FROM (SELECT partition, series, start, max(version) AS version
        FROM unnest(p_partition, p_series, p_start, p_version) AS r (partition, series, start, version)
        GROUP BY 1, 2, 3) r
      WHERE (w.series, w.start, w.partition) = (r.series, r.start, r.partition)
        AND w.sent_version < least(w.version, r.version);
  END $$;

  -- The windows that were looked at wrong are added up anew under the lock of the partition's steps, and
  -- then the rollups of these days that are not what their windows come to, the shorter ones first.
  CREATE FUNCTION recompute_usage(p_partition integer, p_from bigint, p_to bigint)
    RETURNS SETOF usage_window LANGUAGE plpgsql AS $$
  DECLARE
    wrong record;
    p_version bigint;
    rollup integer;
    first_day bigint := p_from - mod(p_from, ${USAGE_DAY_MS});
    end_of_days bigint := p_to + ${USAGE_DAY_MS} - mod(p_to, ${USAGE_DAY_MS});
  BEGIN
    PERFORM pg_advisory_xact_lock_shared(pulses_lock());
    FOR wrong IN
      SELECT series, start FROM (
        SELECT series, start, ${TOTAL} FROM (
          SELECT series, start, ${ADD_UP_PULSES} FROM (SELECT *, ${START} FROM pulse
            WHERE partition = p_partition AND state = ${counted}
              AND occurred_at >= p_from AND occurred_at < p_to + ${USAGE_WINDOW_MS}) held
          WHERE start >= p_from AND start < p_to GROUP BY series, start
        ) totals
      ) held
      FULL JOIN (SELECT * FROM usage_window
        WHERE partition = p_partition AND start >= p_from AND start < p_to) w USING (series, start)
      WHERE (held.count, held.last_at, held.last_key, held.sum, held.min, held.max, held.last)
          IS DISTINCT FROM (w.count, w.last_at, w.last_key, w.sum, w.min, w.max, w.last)
        AND (held.count IS NOT NULL OR w.count <> 0)
        AND NOT EXISTS (SELECT FROM pulse_forgotten f
          WHERE (f.series, f.start, f.partition) = (series, start, p_partition))
      ORDER BY series, start
    LOOP
      SELECT (epoch << 32) + next_offset + 1 INTO p_version FROM pulse_progress
        WHERE partition = p_partition FOR UPDATE;
      IF set_window(p_partition, wrong.series, wrong.start, p_version) THEN
        RETURN QUERY SELECT * FROM usage_window
          WHERE (series, start, partition) = (wrong.series, wrong.start, p_partition);
      END IF;
    END LOOP;
    FOREACH rollup IN ARRAY ${ROLLUPS} LOOP
      FOR wrong IN
        SELECT series, start FROM (
          SELECT series, first AS start, ${TOTAL} FROM (
            SELECT series, start - mod(start, rollup) AS first, ${ADD_UP_TOTALS} FROM usage_window
            WHERE partition = p_partition AND count > 0
              AND start >= first_day AND start < end_of_days
            GROUP BY series, first
          ) totals
        ) held
        FULL JOIN (SELECT * FROM usage_rollup
          WHERE length = rollup AND partition = p_partition
            AND start >= first_day AND start < end_of_days) r USING (series, start)
        WHERE (held.count, held.last_at, held.last_key, held.sum, held.min, held.max, held.last)
          IS DISTINCT FROM (r.count, r.last_at, r.last_key, r.sum, r.min, r.max, r.last)
        ORDER BY series, start
      LOOP
        PERFORM FROM pulse_progress WHERE partition = p_partition FOR UPDATE;
        PERFORM set_rollup(p_partition, wrong.series, rollup, wrong.start);
      END LOOP;
    END LOOP;
  END $$;

  CREATE FUNCTION reset_pulses(p_partition integer) RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO pulse_progress (partition, epoch) VALUES (p_partition, 1)
      ON CONFLICT (partition) DO UPDATE SET epoch = pulse_progress.epoch + 1, next_offset = 0,
        log_time = 0, window_start_offset = 0, last_block_crc = 0, counted = 0, duplicates = 0,
        conflicts = 0, voided = 0, dead_letters = 0;
    PERFORM pg_advisory_xact_lock(pulses_lock());
    DELETE FROM pulse WHERE partition = p_partition;
    DELETE FROM pulse_key WHERE partition = p_partition;
    DELETE FROM pulse_repeat WHERE partition = p_partition;
    DELETE FROM pulse_conflict WHERE partition = p_partition;
    DELETE FROM pulse_act WHERE partition = p_partition;
    DELETE FROM pulse_forgotten WHERE partition = p_partition;
    DELETE FROM usage_window WHERE partition = p_partition;
    DELETE FROM usage_rollup WHERE partition = p_partition;
  END $$;

  CREATE FUNCTION forget_pulses(p_from bigint, p_to bigint) RETURNS bigint LANGUAGE plpgsql AS $$
  DECLARE
    total bigint;
  BEGIN
    PERFORM pg_advisory_xact_lock(pulses_lock());
    WITH gone AS (
      DELETE FROM pulse WHERE occurred_at >= p_from AND occurred_at < p_to
      RETURNING series, partition, state, occurred_at
    ), kept AS (
      INSERT INTO pulse_forgotten AS f
        SELECT start, series, partition, count(*) FROM (SELECT *, ${START} FROM gone) gone
        WHERE state = ${counted} GROUP BY start, series, partition
        ON CONFLICT (series, start, partition) DO UPDATE SET count = f.count + EXCLUDED.count
    )
    SELECT count(*) INTO total FROM gone;
    RETURN total;
  END $$;

  -- A whole day goes by its files. Its late pulses wait meanwhile, those of other days do not.
  CREATE FUNCTION forget_pulse_day(p_day bigint) RETURNS bigint LANGUAGE plpgsql AS $$
  DECLARE
    total bigint;
  BEGIN
    PERFORM pg_advisory_xact_lock(pulses_lock());
    IF to_regclass(pulse_day(p_day)) IS NULL THEN RETURN 0; END IF;
    EXECUTE format('LOCK TABLE %I IN SHARE ROW EXCLUSIVE MODE', pulse_day(p_day));
    EXECUTE format($q$
      WITH counts AS (
        SELECT start, series, partition, count(*) AS held,
          count(*) FILTER (WHERE state = ${counted}) AS count
        FROM (SELECT *, ${START} FROM %I) gone GROUP BY start, series, partition
      ), kept AS (
        INSERT INTO pulse_forgotten AS f
          SELECT start, series, partition, count FROM counts WHERE count > 0
          ON CONFLICT (series, start, partition) DO UPDATE SET count = f.count + EXCLUDED.count
      )
      SELECT coalesce(sum(held), 0) FROM counts$q$, pulse_day(p_day)) INTO total;
    EXECUTE format('TRUNCATE %I', pulse_day(p_day));
    RETURN total;
  END $$;

  -- Of the pulses in staged_pulse those that were forgotten come back, as the last act has left them.
  CREATE FUNCTION restore_pulses(p_partition integer) RETURNS bigint
    LANGUAGE plpgsql SET enable_seqscan = off AS $$
  DECLARE
    total bigint;
  BEGIN
    PERFORM FROM pulse_progress WHERE partition = p_partition FOR UPDATE;
    PERFORM pg_advisory_xact_lock_shared(pulses_lock());
    WITH back AS (
      INSERT INTO pulse
        SELECT DISTINCT ON (s.key) s.occurred_at, s.received_at,
          floor(extract(epoch FROM clock_timestamp()) * 1000), k."offset", s.series, p_partition,
          CASE act.kind WHEN 'void' THEN ${voided} ELSE ${counted} END, s.key,
          CASE act.kind WHEN 'void' THEN 0 WHEN 'amend' THEN act.amount ELSE s.amount END, s.bytes
        FROM staged_pulse s
        CROSS JOIN LATERAL (SELECT * FROM pulse_key WHERE pulse_key.key = s.key LIMIT 1) k
        LEFT JOIN LATERAL (SELECT kind, amount FROM pulse_act WHERE target = s.key
          ORDER BY arrival DESC LIMIT 1) act ON true
        WHERE k.digest = s.digest AND k.partition = p_partition
        ORDER BY s.key, s.ctid
        ON CONFLICT DO NOTHING
      RETURNING series, state, occurred_at
    ), counts AS (
      SELECT series, start, count(*) AS count FROM (SELECT *, ${START} FROM back) back
      WHERE state = ${counted} GROUP BY series, start
    ), less AS (
      UPDATE pulse_forgotten f SET count = f.count - counts.count FROM counts
        WHERE (f.series, f.start, f.partition) = (counts.series, counts.start, p_partition)
    )
    SELECT count(*) INTO total FROM back;
    DELETE FROM pulse_forgotten WHERE partition = p_partition AND count <= 0;
    RETURN total;
  END $$;
`;
