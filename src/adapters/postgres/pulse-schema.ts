/** The schema of the pulse ledger and of dead letters: a migration, and the table that steps come in by. */

import { DEAD_LETTERS } from './dead-letter-schema.ts';
import { COMMIT_PULSES } from './pulse-commit-schema.ts';
import { UPKEEP } from './pulse-upkeep-schema.ts';

/** Cuts `pulse_key`, which is never emptied by time, into tables that can be vacuumed one at a time. */
const KEY_TABLES = 16;

/**
 * `pulse_key` is the judge of duplicates: one row a pulse, for good, cut by hash. `pulse` holds what the
 * pulses say, cut by day of their time, so that retention removes files. Nothing in it can be looked up
 * by its key alone: the key's row says when the pulse occurred. `usage_window` holds what they come to,
 * each window with the version of its value and the one that was confirmed as sent. `usage_rollup`
 * holds what the windows of a UTC hour, or of a longer time, come to, where one of them counts, for
 * questions of days and months. `pulse_forgotten` says how many pulses of a window count that are no
 * longer held: it can not be added up anew.
 * Everything that a step adds to is keyed by the log's partition, except the keys: of those, steps of two
 * partitions may bring the same.
 */
const PULSE_TABLES = `
  CREATE TABLE pulse_progress (
    partition integer PRIMARY KEY,
    epoch bigint NOT NULL,
    next_offset bigint NOT NULL DEFAULT 0,
    log_time bigint NOT NULL DEFAULT 0,
    window_start_offset bigint NOT NULL DEFAULT 0,
    last_block_crc bigint NOT NULL DEFAULT 0,
    counted bigint NOT NULL DEFAULT 0,
    duplicates bigint NOT NULL DEFAULT 0,
    conflicts bigint NOT NULL DEFAULT 0,
    voided bigint NOT NULL DEFAULT 0,
    dead_letters bigint NOT NULL DEFAULT 0
  );
  CREATE TABLE series (
    series integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    unit text COLLATE "C" NOT NULL,
    UNIQUE (tenant, sku, unit)
  );
  CREATE TABLE pulse_key (
    occurred_at bigint NOT NULL,
    "offset" bigint NOT NULL,
    key uuid NOT NULL,
    digest uuid NOT NULL,
    partition smallint NOT NULL,
    PRIMARY KEY (key)
  ) PARTITION BY HASH (key);
  DO $$ BEGIN
    FOR remainder IN 0..${KEY_TABLES - 1} LOOP
      EXECUTE format('CREATE TABLE %I PARTITION OF pulse_key
        FOR VALUES WITH (MODULUS ${KEY_TABLES}, REMAINDER %s)', 'pulse_key_' || remainder, remainder);
    END LOOP;
  END $$;
  CREATE TABLE pulse (
    occurred_at bigint NOT NULL,
    received_at bigint NOT NULL,
    stored_at bigint NOT NULL,
    "offset" bigint NOT NULL,
    series integer NOT NULL,
    partition smallint NOT NULL,
    state smallint NOT NULL,
    key uuid NOT NULL,
    amount numeric NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (occurred_at, key)
  ) PARTITION BY RANGE (occurred_at);
  CREATE INDEX pulse_by_series ON pulse (series, occurred_at, key);
  CREATE TABLE pulse_default PARTITION OF pulse DEFAULT;
  CREATE TABLE pulse_repeat (
    key uuid NOT NULL,
    partition integer NOT NULL,
    duplicates bigint NOT NULL,
    PRIMARY KEY (key, partition)
  );
  CREATE TABLE pulse_conflict (
    arrival bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at bigint NOT NULL,
    "offset" bigint NOT NULL,
    partition integer NOT NULL,
    key uuid NOT NULL,
    tenant text COLLATE "C" NOT NULL,
    bytes bytea NOT NULL
  );
  CREATE INDEX pulse_conflict_by_key ON pulse_conflict (key);
  CREATE INDEX pulse_conflict_by_time ON pulse_conflict (received_at, arrival);
  CREATE INDEX pulse_conflict_by_tenant ON pulse_conflict (tenant, received_at, arrival);
  CREATE TABLE pulse_act (
    arrival bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    partition integer NOT NULL,
    act_id text COLLATE "C" NOT NULL,
    target uuid NOT NULL,
    kind text NOT NULL,
    amount numeric,
    reason text NOT NULL,
    actor text NOT NULL,
    at bigint NOT NULL,
    "offset" bigint NOT NULL,
    UNIQUE (partition, act_id)
  );
  CREATE INDEX pulse_act_by_target ON pulse_act (target, arrival);
  CREATE TABLE usage_window (
    start bigint NOT NULL,
    series integer NOT NULL,
    partition integer NOT NULL,
    count bigint NOT NULL,
    last_at bigint NOT NULL,
    version bigint NOT NULL,
    sent_version bigint NOT NULL,
    last_key uuid NOT NULL,
    sum numeric NOT NULL,
    min numeric NOT NULL,
    max numeric NOT NULL,
    last numeric NOT NULL,
    PRIMARY KEY (series, start, partition)
  );
  CREATE INDEX usage_pending ON usage_window (partition, version) WHERE version > sent_version;
  CREATE TABLE usage_rollup (
    start bigint NOT NULL,
    series integer NOT NULL,
    length integer NOT NULL,
    partition integer NOT NULL,
    count bigint NOT NULL,
    last_at bigint NOT NULL,
    last_key uuid NOT NULL,
    sum numeric NOT NULL,
    min numeric NOT NULL,
    max numeric NOT NULL,
    last numeric NOT NULL,
    PRIMARY KEY (series, length, start, partition)
  );
  CREATE TABLE pulse_forgotten (
    start bigint NOT NULL,
    series integer NOT NULL,
    partition integer NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (series, start, partition)
  );
`;

/**
 * Makes the table of a day's pulses (counted from 1970-01-01, UTC), where there is none. True: nothing is
 * left to be done, also where such pulses lie in the default table already and have to stay there. False:
 * the default table is being read; ask again. `drop_pulse_day` takes an empty one away again.
 */
const DAY_TABLES = `
  CREATE FUNCTION pulse_day(p_day bigint) RETURNS text IMMUTABLE LANGUAGE sql AS $$
    SELECT 'pulse_' || to_char(to_timestamp(p_day * 86400) AT TIME ZONE 'UTC', 'YYYYMMDD')
  $$;
  CREATE FUNCTION add_pulse_day(p_day bigint) RETURNS boolean
    LANGUAGE plpgsql SET lock_timeout = '500ms' AS $$
  DECLARE
    day text := pulse_day(p_day);
  BEGIN
    -- Attaching locks the default table against everybody: one at a time, and not for long.
    LOCK TABLE ONLY pulse IN SHARE UPDATE EXCLUSIVE MODE;
    IF to_regclass(day) IS NULL THEN
      EXECUTE format('CREATE TABLE %I (LIKE pulse)', day);
      EXECUTE format('ALTER TABLE pulse ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
        day, p_day * 86400000, (p_day + 1) * 86400000);
    END IF;
    RETURN true;
  EXCEPTION
    WHEN check_violation THEN RETURN true;
    WHEN lock_not_available THEN RETURN false;
  END $$;
  CREATE FUNCTION drop_pulse_day(p_day bigint) RETURNS void
    LANGUAGE plpgsql SET lock_timeout = '500ms' AS $$
  DECLARE
    has_rows boolean;
  BEGIN
    LOCK TABLE ONLY pulse IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('SELECT EXISTS (SELECT FROM %I)', pulse_day(p_day)) INTO has_rows;
    IF NOT has_rows THEN EXECUTE format('DROP TABLE %I', pulse_day(p_day)); END IF;
  EXCEPTION WHEN lock_not_available OR undefined_table THEN NULL;
  END $$;
`;

/** The numbers of these series, each a (tenant, sku, unit), in their order. */
const ADD_SERIES = `
  CREATE FUNCTION add_series(p_names jsonb) RETURNS integer[] LANGUAGE plpgsql AS $$
  BEGIN
    -- In one order everywhere, or two that meet the same new series would deadlock.
    INSERT INTO series (tenant, sku, unit)
      SELECT e->>0, e->>1, e->>2 FROM jsonb_array_elements(p_names) e
      WHERE NOT EXISTS (SELECT FROM series WHERE (tenant, sku, unit) = (e->>0, e->>1, e->>2))
      ORDER BY (e->>0) COLLATE "C", (e->>1) COLLATE "C", (e->>2) COLLATE "C"
      ON CONFLICT DO NOTHING;
    RETURN (SELECT array_agg(series ORDER BY place)
      FROM jsonb_array_elements(p_names) WITH ORDINALITY AS e (name, place)
      JOIN series ON (tenant, sku, unit) = (name->>0, name->>1, name->>2));
  END $$;
`;

export const PULSES = `${PULSE_TABLES} ${DAY_TABLES} ${ADD_SERIES} ${DEAD_LETTERS} ${COMMIT_PULSES} ${UPKEEP}`;

/** Where a connection puts a step's pulses before they are judged. Gone with the transaction. */
export const PULSE_STAGING_TABLE = `
  CREATE TEMPORARY TABLE staged_pulse (
    occurred_at bigint NOT NULL, received_at bigint NOT NULL, "offset" bigint NOT NULL,
    series integer NOT NULL, key uuid NOT NULL, digest uuid NOT NULL, amount numeric NOT NULL,
    bytes bytea NOT NULL
  ) ON COMMIT DELETE ROWS`;
