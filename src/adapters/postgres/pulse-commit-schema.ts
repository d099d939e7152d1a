/** What the server does of a step of the pulse ledger: judges its pulses, adds them up, applies acts. */
import { NO_USAGE, USAGE_WINDOW_MS } from '../../domain/metering/usage.ts';
import { PULSE_STATES } from './pulse-states.ts';
import {
  ADD_ROLLUPS,
  ADD_UP_PULSES,
  ADD_UP_TOTALS,
  ADD_USAGE,
  NEXT_VERSION,
  ROLLUP_COLUMNS,
  ROLLUPS,
  START,
  TOTAL,
} from './usage-sql.ts';

const { counted, voided } = PULSE_STATES;

/**
 * Takes a step in: its pulses lie in the session's table `staged_pulse`, what they add up to in arrays.
 * Judging, adding and moving on are one call, so that no row is locked while the network is waited for.
 */
export const COMMIT_PULSES = `
  -- Pulses go by TRUNCATE, which a snapshot does not hold off: who adds pulses up holds this lock shared
  -- from before its snapshot on, who removes them holds it alone.
  CREATE FUNCTION pulses_lock() RETURNS bigint STABLE LANGUAGE sql AS $$
    SELECT hashtextextended(current_schema() || ' pulses', 0)
  $$;

  -- Makes a window what its pulses come to, where it is something else: true then.
  CREATE FUNCTION set_window(p_partition integer, p_series integer, p_start bigint, p_version bigint)
    RETURNS boolean LANGUAGE plpgsql SET enable_seqscan = off AS $$
  BEGIN
    INSERT INTO usage_window AS w (start, series, partition, count, last_at, version, sent_version,
        last_key, sum, min, max, last)
      SELECT p_start, p_series, p_partition, count, coalesce(last_at, 0), p_version, 0,
        coalesce(last_key, '${NO_USAGE.lastKey}'), coalesce(sum, 0), coalesce(min, 0),
        coalesce(max, 0), coalesce(last, 0)
      FROM (SELECT ${TOTAL} FROM (
        SELECT ${ADD_UP_PULSES} FROM pulse
        WHERE series = p_series AND partition = p_partition AND state = ${counted}
          AND occurred_at >= p_start AND occurred_at < p_start + ${USAGE_WINDOW_MS}
      ) held) total
      ON CONFLICT (series, start, partition) DO UPDATE SET
        count = EXCLUDED.count, last_at = EXCLUDED.last_at, last_key = EXCLUDED.last_key,
        sum = EXCLUDED.sum, min = EXCLUDED.min, max = EXCLUDED.max, last = EXCLUDED.last,
        version = ${NEXT_VERSION}
      WHERE (w.count, w.last_at, w.last_key, w.sum, w.min, w.max, w.last) <> (EXCLUDED.count,
        EXCLUDED.last_at, EXCLUDED.last_key, EXCLUDED.sum, EXCLUDED.min, EXCLUDED.max, EXCLUDED.last);
    RETURN FOUND;
  END $$;

  -- Makes a rollup what those of the next shorter length come to, or its windows.
  CREATE FUNCTION set_rollup(p_partition integer, p_series integer, p_length integer, p_start bigint)
    RETURNS void LANGUAGE plpgsql SET enable_seqscan = off AS $$
  DECLARE
    p_shorter integer := (${ROLLUPS})[array_position(${ROLLUPS}, p_length) - 1];
  BEGIN
    DELETE FROM usage_rollup
      WHERE (series, length, start, partition) = (p_series, p_length, p_start, p_partition);
    INSERT INTO usage_rollup (${ROLLUP_COLUMNS})
      SELECT p_series, p_length, p_start, p_partition, ${TOTAL} FROM (
        SELECT ${ADD_UP_TOTALS} FROM (
          SELECT count, sum, min, max, last_at, last_key, last FROM usage_window
          WHERE p_shorter IS NULL AND series = p_series AND partition = p_partition AND count > 0
            AND start >= p_start AND start < p_start + p_length
          UNION ALL
          SELECT count, sum, min, max, last_at, last_key, last FROM usage_rollup
          WHERE length = p_shorter AND series = p_series AND partition = p_partition
            AND start >= p_start AND start < p_start + p_length
        ) parts
      ) total WHERE count > 0;
  END $$;

  -- An act of which the pulse is not there becomes the dead letter that it brings along. Of a window of
  -- which pulses are forgotten sum and count move, and nothing else is known any more.
  CREATE FUNCTION apply_pulse_acts(p_partition integer, p_version bigint, p_acts jsonb)
    RETURNS void LANGUAGE plpgsql SET enable_seqscan = off AS $$
  DECLARE
    e record;
    held record;
    next_state integer;
    place text;
    moved jsonb;
    places jsonb := '{}';
    rollup integer;
  BEGIN
    FOR e IN SELECT * FROM jsonb_to_recordset(p_acts) AS e (kind text, act_id text, target uuid,
      amount numeric, reason text, actor text, at bigint, "offset" bigint, letter jsonb)
    LOOP
      CONTINUE WHEN EXISTS (SELECT FROM pulse_act
        WHERE partition = p_partition AND act_id = e.act_id);
      SELECT p.occurred_at, p.key, p.series, p.state, p.amount INTO held
        FROM pulse_key k JOIN pulse p ON p.occurred_at = k.occurred_at AND p.key = k.key
        WHERE k.key = e.target AND k.partition = p_partition;
      IF NOT FOUND THEN
        PERFORM report_dead_letter(e.letter);
        UPDATE pulse_progress SET dead_letters = dead_letters + 1 WHERE partition = p_partition;
        CONTINUE;
      END IF;
      INSERT INTO pulse_act (partition, act_id, target, kind, amount, reason, actor, at, "offset")
        VALUES (p_partition, e.act_id, e.target, e.kind, e.amount, e.reason, e.actor, e.at, e."offset");
      next_state := CASE e.kind WHEN 'void' THEN ${voided} ELSE ${counted} END;
      CONTINUE WHEN (held.state, held.amount) = (next_state, coalesce(e.amount, 0));
      UPDATE pulse SET amount = coalesce(e.amount, 0), state = next_state
        WHERE occurred_at = held.occurred_at AND key = held.key;
      UPDATE pulse_progress SET voided = voided + next_state - held.state
        WHERE partition = p_partition;
      place := held.series || ' ' || held.occurred_at - held.occurred_at % ${USAGE_WINDOW_MS};
      places := places || jsonb_build_object(place, jsonb_build_array(
        coalesce((places->place->>0)::numeric, 0) + coalesce(e.amount, 0) - held.amount,
        coalesce((places->place->>1)::integer, 0) + held.state - next_state));
    END LOOP;
    FOR e IN
      SELECT split_part(key, ' ', 1)::integer AS series, split_part(key, ' ', 2)::bigint AS start,
        (value->>0)::numeric AS sum, (value->>1)::integer AS count
      FROM jsonb_each(places) ORDER BY 1, 2
    LOOP
      UPDATE usage_window AS w SET sum = w.sum + e.sum, count = w.count + e.count,
          version = ${NEXT_VERSION}
        WHERE (series, start, partition) = (e.series, e.start, p_partition)
          AND EXISTS (SELECT FROM pulse_forgotten
            WHERE (series, start, partition) = (e.series, e.start, p_partition));
      -- Acts that took each other back have moved the window, though it holds what it held.
      IF NOT FOUND AND NOT set_window(p_partition, e.series, e.start, p_version) THEN
        UPDATE usage_window AS w SET version = ${NEXT_VERSION}
          WHERE (series, start, partition) = (e.series, e.start, p_partition);
      END IF;
      FOREACH rollup IN ARRAY ${ROLLUPS} LOOP
        PERFORM set_rollup(p_partition, e.series, rollup, e.start - e.start % rollup);
      END LOOP;
    END LOOP;
  END $$;

  -- Where some key was known: of one that this transaction has added its first pulse counts, every other
  -- one is a duplicate or a conflict.
  CREATE FUNCTION judge_pulses(p_partition integer, p_now bigint, p_version bigint,
      OUT counted bigint, OUT duplicates bigint, OUT conflicts bigint)
    LANGUAGE plpgsql SET enable_seqscan = off AS $$
  BEGIN
    WITH judged AS MATERIALIZED (
      SELECT s.*, k.digest = s.digest AS is_same,
        s.nth = 1 AND k.xmin = pg_current_xact_id()::xid AS is_first
      FROM (SELECT *, ctid AS place, row_number() OVER (PARTITION BY key ORDER BY ctid) AS nth
        FROM staged_pulse) s
      CROSS JOIN LATERAL (SELECT xmin, digest FROM pulse_key WHERE pulse_key.key = s.key LIMIT 1) k
    ), kept AS (
      INSERT INTO pulse
        SELECT occurred_at, received_at, p_now, "offset", series, p_partition, ${counted}, key, amount,
          bytes
        FROM judged WHERE is_first
    ), repeated AS (
      INSERT INTO pulse_repeat AS r
        SELECT key, p_partition, count(*) FROM judged WHERE NOT is_first AND is_same GROUP BY key
        ON CONFLICT (key, partition) DO UPDATE SET duplicates = r.duplicates + EXCLUDED.duplicates
    ), contradicted AS (
      INSERT INTO pulse_conflict (received_at, "offset", partition, key, tenant, bytes)
        SELECT received_at, "offset", p_partition, key, series.tenant, bytes
        FROM judged JOIN series USING (series) WHERE NOT is_first AND NOT is_same ORDER BY place
    ), added AS (
      SELECT series, start, ${TOTAL} FROM (
        SELECT series, start, ${ADD_UP_PULSES} FROM (SELECT *, ${START} FROM judged) first
        WHERE is_first GROUP BY series, start
      ) totals
    ), moved AS (
      ${ADD_USAGE}
    ), rolled_up AS (
      ${ADD_ROLLUPS}
    )
    SELECT count(*) FILTER (WHERE is_first), count(*) FILTER (WHERE NOT is_first AND is_same),
        count(*) FILTER (WHERE NOT is_first AND NOT is_same)
      INTO counted, duplicates, conflicts FROM judged;
  END $$;

  CREATE FUNCTION commit_pulses(
    p_partition integer, p_epoch bigint, p_from bigint, p_next_offset bigint, p_log_time bigint,
    p_window_start_offset bigint, p_last_block_crc bigint, p_version bigint, p_received bigint,
    p_is_new boolean, p_series integer[], p_start bigint[], p_count bigint[], p_last_at bigint[], p_last_key uuid[],
    p_sum numeric[], p_min numeric[], p_max numeric[], p_last numeric[], p_acts jsonb, p_letters jsonb,
    OUT outcome text, OUT counted bigint, OUT duplicates bigint, OUT conflicts bigint
  ) LANGUAGE plpgsql AS $$
  DECLARE
    position pulse_progress%ROWTYPE;
    stored bigint := floor(extract(epoch FROM clock_timestamp()) * 1000);
    letter jsonb;
  BEGIN
    counted := 0; duplicates := 0; conflicts := 0;
    SELECT * INTO position FROM pulse_progress WHERE partition = p_partition FOR UPDATE;
    IF NOT FOUND OR position.epoch <> p_epoch THEN outcome := 'fenced'; RETURN; END IF;
    IF p_next_offset <= position.next_offset THEN outcome := 'already-applied'; RETURN; END IF;
    IF p_from <> position.next_offset THEN outcome := 'misaligned'; RETURN; END IF;
    outcome := 'applied';

    IF jsonb_array_length(p_acts) > 0 THEN
      PERFORM pg_advisory_xact_lock_shared(pulses_lock());
    END IF;
    -- In one order everywhere, or two partitions that bring the same keys would deadlock. Who comes second
    -- waits for the first to end, and then finds the key known. Without a word about conflicts a key costs
    -- about half, and where one of them is known it was all for nothing.
    IF p_is_new THEN
      BEGIN
        INSERT INTO pulse_key
          SELECT occurred_at, "offset", key, digest, p_partition FROM staged_pulse ORDER BY key;
        GET DIAGNOSTICS counted = ROW_COUNT;
      EXCEPTION WHEN unique_violation THEN
        p_is_new := false;
      END;
    END IF;
    IF NOT p_is_new THEN
      INSERT INTO pulse_key
        SELECT occurred_at, "offset", key, digest, p_partition FROM staged_pulse ORDER BY key, ctid
        ON CONFLICT DO NOTHING;
      GET DIAGNOSTICS counted = ROW_COUNT;
    END IF;
    IF counted = p_received THEN
      INSERT INTO pulse
        SELECT occurred_at, received_at, stored, "offset", series, p_partition, ${counted}, key, amount,
          bytes
        FROM staged_pulse;
      WITH added AS (
        SELECT * FROM unnest(p_series, p_start, p_count, p_last_at, p_last_key, p_sum, p_min, p_max,
          p_last) AS a (series, start, count, last_at, last_key, sum, min, max, last)
      ), rolled_up AS (
        ${ADD_ROLLUPS}
      )
      ${ADD_USAGE};
    ELSE
      SELECT * INTO counted, duplicates, conflicts
        FROM judge_pulses(p_partition, stored, p_version);
    END IF;
    UPDATE pulse_progress AS p SET next_offset = p_next_offset, log_time = p_log_time,
        window_start_offset = p_window_start_offset, last_block_crc = p_last_block_crc,
        counted = p.counted + commit_pulses.counted,
        duplicates = p.duplicates + commit_pulses.duplicates,
        conflicts = p.conflicts + commit_pulses.conflicts,
        dead_letters = p.dead_letters + jsonb_array_length(p_letters)
      WHERE partition = p_partition;
    IF jsonb_array_length(p_acts) > 0 THEN
      PERFORM apply_pulse_acts(p_partition, p_version, p_acts);
    END IF;
    FOR letter IN SELECT value FROM jsonb_array_elements(p_letters) LOOP
      PERFORM report_dead_letter(letter);
    END LOOP;
  END $$;
`;
