/** The numbered migrations of the schema that ledger and catalogue share. A released one never changes. */
import { PULSES } from './pulse-schema.ts';
import { RATING } from './rating-schema.ts';

/** What a row of `vote` is; `excluded` rows tell late from expired by these too. */
export const VOTE_STATES = { counted: 0, voided: 1, late: 2, expired: 3 } as const;

const { counted, voided } = VOTE_STATES;

/**
 * `vote` is the big table, one row an event, cut by day of the id's time (an id16 begins with its
 * 48-bit time and a uuid is ordered by its bytes), and each day by the log's partitions: a recount
 * reads one partition's rows only, and a reset or a day's end removes files, not rows. An id is of one
 * time and one partition, so that a primary key a leaf is one over all. `excluded` takes the rare late
 * and expired events, of which one id may have many. `key` gives each (scope, item, lane) a small
 * number; `key_span` says between which id times a key's events lie, so that a small poll's events are
 * found without reading a large one's. `forgotten` counts the rows that retention has taken away, so that
 * a recount still comes to what the windows say. Everything that a step adds to is keyed by partition:
 * steps of different partitions never wait for each other's rows.
 */
const LEDGER_TABLES = `
  CREATE TABLE progress (
    partition integer PRIMARY KEY,
    epoch bigint NOT NULL,
    next_offset bigint NOT NULL,
    log_time bigint NOT NULL,
    window_start_offset bigint NOT NULL,
    last_block_crc bigint NOT NULL,
    forgotten_before bigint NOT NULL DEFAULT 0
  );
  CREATE TABLE key (
    key integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    scope text COLLATE "C" NOT NULL,
    item text COLLATE "C" NOT NULL,
    lane text COLLATE "C" NOT NULL,
    UNIQUE (scope, item, lane)
  );
  CREATE TABLE key_span (
    key integer NOT NULL,
    partition integer NOT NULL,
    first_id_time bigint NOT NULL,
    last_id_time bigint NOT NULL,
    PRIMARY KEY (key, partition)
  );
  CREATE TABLE minute_count (
    key integer NOT NULL,
    minute bigint NOT NULL,
    partition integer NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (key, minute, partition)
  );
  CREATE TABLE book (
    partition integer NOT NULL,
    scope text COLLATE "C" NOT NULL,
    logged bigint NOT NULL,
    counted bigint NOT NULL,
    duplicate bigint NOT NULL,
    expired bigint NOT NULL,
    late bigint NOT NULL,
    voided bigint NOT NULL,
    PRIMARY KEY (partition, scope)
  );
  CREATE TABLE close (
    partition integer NOT NULL,
    scope text COLLATE "C" NOT NULL,
    "offset" bigint NOT NULL,
    PRIMARY KEY (partition, scope)
  );
  CREATE TABLE act_mark (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    partition integer NOT NULL,
    kind text NOT NULL,
    act_id text COLLATE "C" NOT NULL,
    target uuid NOT NULL,
    key integer NOT NULL,
    minute bigint NOT NULL,
    UNIQUE (partition, act_id, target)
  );
  CREATE INDEX act_mark_by_target ON act_mark (partition, target);
  CREATE TABLE vote (
    id uuid NOT NULL,
    accepted_at bigint NOT NULL,
    "offset" bigint NOT NULL,
    key integer NOT NULL,
    partition smallint NOT NULL,
    state smallint NOT NULL
  ) PARTITION BY RANGE (id);
  CREATE TABLE vote_default PARTITION OF vote (PRIMARY KEY (id)) DEFAULT;
  CREATE TABLE excluded (
    arrival bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL,
    accepted_at bigint NOT NULL,
    "offset" bigint NOT NULL,
    key integer NOT NULL,
    partition smallint NOT NULL,
    state smallint NOT NULL
  );
  CREATE INDEX excluded_by_id ON excluded (id, arrival);
  CREATE TABLE forgotten (
    partition integer NOT NULL,
    key integer NOT NULL,
    minute bigint NOT NULL,
    state smallint NOT NULL,
    rows bigint NOT NULL,
    PRIMARY KEY (partition, key, minute, state)
  );
`;

/**
 * Makes the table of one partition's votes of one day (counted from 1970-01-01, UTC), where there is
 * none. True: nothing is left to be done, also where such rows lie in a default table already and have
 * to stay there. False: a default table is being read; ask again.
 */
const ADD_VOTE_TABLE = `
  CREATE FUNCTION id_floor(p_ms bigint) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$
    SELECT (lpad(to_hex(p_ms), 12, '0') || repeat('0', 20))::uuid
  $$;
  CREATE FUNCTION vote_day(p_ms bigint) RETURNS text IMMUTABLE LANGUAGE sql AS $$
    SELECT 'vote_' || to_char(to_timestamp(p_ms / 1000) AT TIME ZONE 'UTC', 'YYYYMMDD')
  $$;
  CREATE FUNCTION add_vote_table(p_day bigint, p_partition integer) RETURNS boolean
    LANGUAGE plpgsql SET lock_timeout = '500ms' AS $$
  DECLARE
    day text := vote_day(p_day * 86400000);
    leaf text := day || '_' || p_partition;
  BEGIN
    -- Attaching locks the default table against everybody: one at a time, and not for long.
    LOCK TABLE ONLY vote IN SHARE UPDATE EXCLUSIVE MODE;
    IF to_regclass(day) IS NULL THEN
      EXECUTE format('CREATE TABLE %I (LIKE vote) PARTITION BY LIST (partition)', day);
      EXECUTE format('CREATE TABLE %I PARTITION OF %I (PRIMARY KEY (id)) DEFAULT',
        day || '_default', day);
      EXECUTE format('ALTER TABLE vote ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
        day, id_floor(p_day * 86400000), id_floor((p_day + 1) * 86400000));
    END IF;
    IF to_regclass(leaf) IS NULL THEN
      EXECUTE format('CREATE TABLE %I (LIKE vote, PRIMARY KEY (id))', leaf);
      EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES IN (%s)',
        day, leaf, p_partition);
    END IF;
    RETURN true;
  EXCEPTION
    WHEN check_violation THEN RETURN true;
    WHEN lock_not_available THEN RETURN false;
  END $$;
`;

/**
 * Rows go by TRUNCATE, which a snapshot does not hold off: who counts rows holds this lock shared from
 * before its snapshot on, who removes them holds it alone.
 */
const ROWS_LOCK = `
  CREATE FUNCTION rows_lock(p_partition integer) RETURNS bigint STABLE LANGUAGE sql AS $$
    SELECT hashtextextended(current_schema() || ' rows ' || p_partition, 0)
  $$;
  CREATE FUNCTION empty_vote_tables(p_partition integer, p_before text) RETURNS void
    LANGUAGE plpgsql AS $$
  DECLARE
    leaf regclass;
  BEGIN
    FOR leaf IN SELECT oid FROM pg_class
      WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
        AND relname ~ ('^vote_[0-9]{8}_' || p_partition || '$') AND relname < p_before
      ORDER BY relname
    LOOP
      EXECUTE format('TRUNCATE %s', leaf);
    END LOOP;
  END $$;
`;

const TAKE_OVER = `
  CREATE FUNCTION take_over(p_partition integer) RETURNS jsonb LANGUAGE plpgsql AS $$
  DECLARE
    position progress%ROWTYPE;
  BEGIN
    INSERT INTO progress VALUES (p_partition, 1, 0, 0, 0, 0)
      ON CONFLICT (partition) DO UPDATE SET epoch = progress.epoch + 1
      RETURNING * INTO position;
    -- The row is locked now: no step can come between it and what is read here.
    RETURN jsonb_build_object(
      'progress', to_jsonb(position),
      'closes', (SELECT coalesce(jsonb_agg(to_jsonb(close)), '[]') FROM close
        WHERE partition = p_partition),
      'acts', (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'act_id', act_id,
          'target', target, 'scope', scope, 'item', item, 'lane', lane, 'minute', minute)
          ORDER BY sequence), '[]')
        FROM act_mark JOIN key USING (key) WHERE partition = p_partition));
  END $$;
`;

/**
 * Takes a step in: its events lie in the session's table \`staged\`, everything else in \`p_content\`,
 * where keys are meant by their place in the step's list (ledger-step.ts). Judging, adding and moving
 * on are one call, so that the partition's row is never locked while the network is waited for.
 */
const COMMIT_STEP = `
  -- Only an event that was counted can be voided, and only such a one restored; of several acts on one
  -- event the last holds. Of an event whose row is forgotten the act itself says where it counts.
  CREATE FUNCTION apply_acts(
    p_partition integer, p_forgotten_before bigint, p_acts jsonb, p_numbers integer[]
  ) RETURNS void LANGUAGE plpgsql AS $$
  DECLARE
    mark bigint := nextval('act_mark_sequence_seq');
  BEGIN
    INSERT INTO act_mark (partition, kind, act_id, target, key, minute)
      SELECT p_partition, e->>0, e->>1, (e->>2)::uuid, p_numbers[(e->>3)::integer + 1],
        (e->>4)::bigint
      FROM jsonb_array_elements(p_acts) WITH ORDINALITY AS a (e, place)
      ORDER BY place
      ON CONFLICT DO NOTHING;
    UPDATE vote SET state = CASE kind WHEN 'void' THEN ${voided} ELSE ${counted} END
      FROM (SELECT DISTINCT ON (target) target, kind FROM act_mark
        WHERE partition = p_partition AND sequence > mark ORDER BY target, sequence DESC) last
      WHERE vote.id = last.target AND vote.partition = p_partition;
    IF p_forgotten_before = 0 THEN RETURN; END IF;
    WITH last AS (
      SELECT DISTINCT ON (target) target, kind = 'void' AS voids, key, minute FROM act_mark
      WHERE partition = p_partition AND sequence > mark AND target < id_floor(p_forgotten_before)
        AND NOT EXISTS (SELECT FROM vote WHERE id = target AND partition = p_partition)
      ORDER BY target, sequence DESC
    ), turned AS (
      SELECT key, minute, CASE WHEN voids THEN 1 ELSE -1 END AS change FROM last
      WHERE voids <> coalesce((SELECT kind = 'void' FROM act_mark before
        WHERE partition = p_partition AND before.target = last.target AND sequence < mark
        ORDER BY sequence DESC LIMIT 1), false)
    )
    INSERT INTO forgotten
      SELECT p_partition, key, minute, state, sum(sign * change)
      FROM turned, (VALUES (${counted}, -1), (${voided}, 1)) AS sides (state, sign)
      GROUP BY key, minute, state
      ON CONFLICT (partition, key, minute, state) DO UPDATE SET
        rows = forgotten.rows + EXCLUDED.rows;
  END $$;

  CREATE FUNCTION commit_step(
    p_partition integer, p_epoch bigint, p_from bigint, p_next_offset bigint, p_log_time bigint,
    p_window_start_offset bigint, p_last_block_crc bigint, p_content jsonb
  ) RETURNS text LANGUAGE plpgsql AS $$
  DECLARE
    position progress%ROWTYPE;
    numbers integer[];
  BEGIN
    SELECT * INTO position FROM progress WHERE partition = p_partition FOR UPDATE;
    IF NOT FOUND OR position.epoch <> p_epoch THEN RETURN 'fenced'; END IF;
    IF p_next_offset <= position.next_offset THEN RETURN 'already-applied'; END IF;
    IF p_from <> position.next_offset THEN RETURN 'misaligned'; END IF;

    -- In one order everywhere, or two partitions that meet the same new keys would deadlock.
    INSERT INTO key (scope, item, lane)
      SELECT e->>0, e->>1, e->>2 FROM jsonb_array_elements(p_content->'keys') e
      WHERE NOT EXISTS (SELECT FROM key
        WHERE (scope, item, lane) = (e->>0, e->>1, e->>2))
      ORDER BY (e->>0) COLLATE "C", (e->>1) COLLATE "C", (e->>2) COLLATE "C"
      ON CONFLICT DO NOTHING;
    SELECT array_agg(key.key ORDER BY place) INTO numbers
      FROM jsonb_array_elements(p_content->'keys') WITH ORDINALITY AS e (name, place)
      JOIN key ON (scope, item, lane) = (name->>0, name->>1, name->>2);

    -- A plain INSERT: an id that is there already fails on the primary key, and the step with it.
    INSERT INTO vote (id, accepted_at, "offset", key, partition, state)
      SELECT id, accepted_at, "offset", numbers[key + 1], p_partition, ${counted}
      FROM staged WHERE state = ${counted};
    INSERT INTO excluded (id, accepted_at, "offset", key, partition, state)
      SELECT id, accepted_at, "offset", numbers[key + 1], p_partition, state
      FROM staged WHERE state <> ${counted} ORDER BY ctid;

    INSERT INTO key_span
      SELECT numbers[(e->>0)::integer + 1], p_partition, min((e->>1)::bigint), max((e->>2)::bigint)
      FROM jsonb_array_elements(p_content->'spans') e GROUP BY 1
      ON CONFLICT (key, partition) DO UPDATE SET
        first_id_time = least(key_span.first_id_time, EXCLUDED.first_id_time),
        last_id_time = greatest(key_span.last_id_time, EXCLUDED.last_id_time);
    INSERT INTO minute_count
      SELECT numbers[(e->>0)::integer + 1], (e->>1)::bigint, p_partition, sum((e->>2)::bigint)
      FROM jsonb_array_elements(p_content->'counts') e GROUP BY 1, 2
      ON CONFLICT (key, minute, partition) DO UPDATE SET
        count = minute_count.count + EXCLUDED.count;
    INSERT INTO book
      SELECT p_partition, e->>0, sum((e->>1)::bigint), sum((e->>2)::bigint),
        sum((e->>3)::bigint), sum((e->>4)::bigint), sum((e->>5)::bigint), sum((e->>6)::bigint)
      FROM jsonb_array_elements(p_content->'books') e GROUP BY 2
      ON CONFLICT (partition, scope) DO UPDATE SET
        logged = book.logged + EXCLUDED.logged, counted = book.counted + EXCLUDED.counted,
        duplicate = book.duplicate + EXCLUDED.duplicate,
        expired = book.expired + EXCLUDED.expired, late = book.late + EXCLUDED.late,
        voided = book.voided + EXCLUDED.voided;
    -- The first close of a scope stands: what it made late stays late.
    INSERT INTO close
      SELECT p_partition, e->>0, min((e->>1)::bigint)
      FROM jsonb_array_elements(p_content->'closes') e GROUP BY 2
      ON CONFLICT (partition, scope) DO UPDATE SET
        "offset" = least(close."offset", EXCLUDED."offset");
    -- Most steps have no acts, and need not plan for every table of every day.
    IF jsonb_array_length(p_content->'acts') > 0 THEN
      PERFORM apply_acts(p_partition, position.forgotten_before, p_content->'acts', numbers);
    END IF;

    UPDATE progress SET next_offset = p_next_offset, log_time = p_log_time,
      window_start_offset = p_window_start_offset, last_block_crc = p_last_block_crc
      WHERE partition = p_partition;
    RETURN 'applied';
  END $$;

  CREATE FUNCTION reset_partition(p_partition integer) RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    PERFORM pg_advisory_xact_lock(rows_lock(p_partition));
    INSERT INTO progress VALUES (p_partition, 1, 0, 0, 0, 0)
      ON CONFLICT (partition) DO UPDATE SET epoch = progress.epoch + 1, next_offset = 0,
        log_time = 0, window_start_offset = 0, last_block_crc = 0, forgotten_before = 0;
    PERFORM empty_vote_tables(p_partition, 'vote_a');
    DELETE FROM vote WHERE partition = p_partition;
    DELETE FROM forgotten WHERE partition = p_partition;
    DELETE FROM excluded WHERE partition = p_partition;
    DELETE FROM key_span WHERE partition = p_partition;
    DELETE FROM minute_count WHERE partition = p_partition;
    DELETE FROM book WHERE partition = p_partition;
    DELETE FROM close WHERE partition = p_partition;
    DELETE FROM act_mark WHERE partition = p_partition;
  END $$;
`;

/**
 * Retention, one partition at a time so that its own steps alone wait: counts the rows before an
 * instant, keeps the counts, removes the rows. Days without a row are dropped afterwards, for which
 * everybody has to be off the table for a moment: false where they were not, and the next time will do.
 */
const FORGET = `
  CREATE FUNCTION forget_votes(p_partition integer, p_before bigint) RETURNS bigint
    LANGUAGE plpgsql AS $$
  DECLARE
    total bigint;
  BEGIN
    PERFORM pg_advisory_xact_lock(rows_lock(p_partition));
    PERFORM FROM progress WHERE partition = p_partition FOR UPDATE;
    WITH gone AS (
      SELECT key, accepted_at / 60000 AS minute, state FROM vote
        WHERE partition = p_partition AND id < id_floor(p_before)
      UNION ALL
      SELECT key, accepted_at / 60000, state FROM excluded
        WHERE partition = p_partition AND id < id_floor(p_before)
    ), counts AS (
      SELECT key, minute, state, count(*) AS rows FROM gone GROUP BY 1, 2, 3
    ), kept AS (
      INSERT INTO forgotten SELECT p_partition, key, minute, state, rows FROM counts
        ON CONFLICT (partition, key, minute, state) DO UPDATE SET
          rows = forgotten.rows + EXCLUDED.rows
    )
    SELECT coalesce(sum(rows), 0) INTO total FROM counts;
    PERFORM empty_vote_tables(p_partition, vote_day(p_before));
    DELETE FROM vote WHERE partition = p_partition AND id < id_floor(p_before);
    DELETE FROM excluded WHERE partition = p_partition AND id < id_floor(p_before);
    UPDATE progress SET forgotten_before = greatest(forgotten_before, p_before)
      WHERE partition = p_partition;
    RETURN total;
  END $$;

  CREATE FUNCTION drop_vote_days(p_before bigint) RETURNS boolean
    LANGUAGE plpgsql SET lock_timeout = '500ms' AS $$
  DECLARE
    day regclass;
    has_rows boolean;
  BEGIN
    LOCK TABLE ONLY vote IN ACCESS EXCLUSIVE MODE;
    FOR day IN SELECT oid FROM pg_class
      WHERE relnamespace = current_schema()::regnamespace AND relkind = 'p'
        AND relname ~ '^vote_[0-9]{8}$' AND relname < vote_day(p_before)
    LOOP
      EXECUTE format('SELECT EXISTS (SELECT FROM %s)', day) INTO has_rows;
      IF NOT has_rows THEN EXECUTE format('DROP TABLE %s', day); END IF;
    END LOOP;
    RETURN true;
  EXCEPTION WHEN lock_not_available THEN RETURN false;
  END $$;
`;

/** Polls, their versions that the log does not have yet, images, and acts that nobody can change. */
const CATALOGUE = `
  CREATE TABLE poll (
    id text COLLATE "C" PRIMARY KEY,
    created_at bigint NOT NULL,
    version bigint NOT NULL,
    body text NOT NULL
  );
  CREATE INDEX poll_by_creation ON poll (created_at DESC, id);
  CREATE TABLE unpublished (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    poll text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    body text NOT NULL,
    UNIQUE (poll, version)
  );
  CREATE TABLE image (
    sha256 text COLLATE "C" PRIMARY KEY,
    media_type text NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    bytes bytea NOT NULL
  );
  CREATE TABLE act (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at bigint NOT NULL,
    actor text NOT NULL,
    act text NOT NULL,
    poll text COLLATE "C" NOT NULL,
    detail text
  );
  CREATE INDEX act_by_poll ON act (poll, position);
  CREATE FUNCTION keep_act() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    RAISE EXCEPTION 'an act is never changed or deleted';
  END $$;
  CREATE TRIGGER act_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON act EXECUTE FUNCTION keep_act();

  CREATE FUNCTION put_poll(
    p_id text, p_created_at bigint, p_version bigint, p_body text, p_expected_version bigint,
    p_at bigint, p_actor text, p_act text, p_act_poll text, p_detail text,
    p_sha256 text, p_media_type text, p_width integer, p_height integer, p_bytes bytea
  ) RETURNS boolean LANGUAGE plpgsql AS $$
  BEGIN
    IF p_expected_version = 0 THEN
      INSERT INTO poll VALUES (p_id, p_created_at, p_version, p_body) ON CONFLICT DO NOTHING;
    ELSE
      UPDATE poll SET version = p_version, body = p_body
        WHERE id = p_id AND version = p_expected_version;
    END IF;
    IF NOT FOUND THEN RETURN false; END IF;
    INSERT INTO unpublished (poll, version, body) VALUES (p_id, p_version, p_body);
    INSERT INTO act (at, actor, act, poll, detail)
      VALUES (p_at, p_actor, p_act, p_act_poll, p_detail);
    IF p_sha256 IS NOT NULL THEN
      INSERT INTO image VALUES (p_sha256, p_media_type, p_width, p_height, p_bytes)
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN true;
  END $$;
`;

/**
 * The installation's logs, of which the first was among the named values before there could be more,
 * and what sync last said of each.
 */
const LOGS = `
  CREATE TABLE log (
    generation integer PRIMARY KEY,
    log_id text COLLATE "C" NOT NULL UNIQUE,
    settings text NOT NULL
  );
  INSERT INTO log SELECT 0, value::jsonb->>'logId', value FROM meta WHERE name = 'logSettings';
  DELETE FROM meta WHERE name = 'logSettings';
  CREATE FUNCTION add_log(p_log_id text, p_settings text) RETURNS boolean LANGUAGE plpgsql AS $$
  BEGIN
    -- One at a time, or two new logs would ask for the same generation.
    LOCK TABLE log IN SHARE ROW EXCLUSIVE MODE;
    INSERT INTO log SELECT coalesce(max(generation) + 1, 0), p_log_id, p_settings FROM log
      ON CONFLICT (log_id) DO NOTHING;
    RETURN FOUND;
  END $$;
  CREATE TABLE consistency (
    log_id text COLLATE "C" PRIMARY KEY,
    body text NOT NULL
  );
`;

/** Applied in this order, each once; a schema's version is how many of them it has. */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE meta (name text PRIMARY KEY, value text NOT NULL);
   ${LEDGER_TABLES} ${ADD_VOTE_TABLE} ${ROWS_LOCK} ${TAKE_OVER} ${COMMIT_STEP} ${FORGET}
   ${CATALOGUE}`,
  LOGS,
  PULSES + RATING,
];

/** Where a connection puts a step's events before they are judged. Gone with the transaction. */
export const STAGING_TABLE = `
  CREATE TEMPORARY TABLE staged (
    id uuid NOT NULL, accepted_at bigint NOT NULL, "offset" bigint NOT NULL,
    key integer NOT NULL, state smallint NOT NULL
  ) ON COMMIT DELETE ROWS`;
