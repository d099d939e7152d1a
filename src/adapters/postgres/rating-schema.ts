/** The schema of the rating book and of the metering catalogue, and what the server does of their changes. */
import { USAGE_WINDOW_MS } from '../../domain/metering/usage.ts';

/**
 * `rated_window` is usage as rating has taken it. Tenants are due in the order of (since, place); versions
 * and that order are drawn from one sequence, which never goes back.
 */
const USAGE = `
  CREATE TABLE rating_progress (
    partition integer PRIMARY KEY,
    epoch bigint NOT NULL,
    next_offset bigint NOT NULL DEFAULT 0,
    log_time bigint NOT NULL DEFAULT 0,
    window_start_offset bigint NOT NULL DEFAULT 0,
    last_block_crc bigint NOT NULL DEFAULT 0
  );
  CREATE TABLE rated_window (
    start bigint NOT NULL,
    series integer NOT NULL,
    partition integer NOT NULL,
    count bigint NOT NULL,
    last_at bigint NOT NULL,
    version bigint NOT NULL,
    last_key uuid NOT NULL,
    sum numeric NOT NULL,
    min numeric NOT NULL,
    max numeric NOT NULL,
    last numeric NOT NULL,
    PRIMARY KEY (series, start, partition)
  );
  CREATE INDEX rated_window_by_time ON rated_window (start, series);
  CREATE SEQUENCE due_version;
  CREATE TABLE due_rating (
    tenant text COLLATE "C" PRIMARY KEY,
    starts_at bigint NOT NULL,
    ends_at bigint NOT NULL,
    version bigint NOT NULL,
    since bigint NOT NULL,
    place bigint NOT NULL
  );
  CREATE INDEX due_rating_in_order ON due_rating (since, place);

  -- Windows before tenants, each in one order everywhere, or two that bring the same would deadlock.
  CREATE FUNCTION take_usage(
    p_partition integer[], p_series integer[], p_start bigint[], p_version bigint[], p_count bigint[],
    p_last_at bigint[], p_last_key uuid[], p_sum numeric[], p_min numeric[], p_max numeric[],
    p_last numeric[]
  ) RETURNS bigint LANGUAGE plpgsql AS $$
  DECLARE
    changed bigint;
    drawn bigint := nextval('due_version');
  BEGIN
    WITH newest AS (
      SELECT DISTINCT ON (series, start, partition) * FROM unnest(p_partition, p_series, p_start,
          p_version, p_count, p_last_at, p_last_key, p_sum, p_min, p_max, p_last) WITH ORDINALITY
        AS r (partition, series, start, version, count, last_at, last_key, sum, min, max, last, place)
      WHERE version > 0 ORDER BY series, start, partition, version DESC, place
    ), taken AS (
      INSERT INTO rated_window AS w (start, series, partition, count, last_at, version, last_key, sum,
          min, max, last)
        SELECT start, series, partition, count, last_at, version, last_key, sum, min, max, last
        FROM newest ORDER BY series, start, partition
        ON CONFLICT (series, start, partition) DO UPDATE SET count = EXCLUDED.count,
          last_at = EXCLUDED.last_at, version = EXCLUDED.version, last_key = EXCLUDED.last_key,
          sum = EXCLUDED.sum, min = EXCLUDED.min, max = EXCLUDED.max, last = EXCLUDED.last
        WHERE EXCLUDED.version > w.version
        RETURNING series, start, partition
    ), due AS (
      INSERT INTO due_rating AS d
        SELECT tenant, starts_at, ends_at, nextval('due_version'), drawn, place FROM (
          SELECT tenant, min(start) AS starts_at, max(start) + ${USAGE_WINDOW_MS} AS ends_at,
            min(place) AS place
          FROM taken JOIN newest USING (series, start, partition) JOIN series USING (series)
          GROUP BY tenant ORDER BY tenant
        ) tenants
        ON CONFLICT (tenant) DO UPDATE SET starts_at = least(d.starts_at, EXCLUDED.starts_at),
          ends_at = greatest(d.ends_at, EXCLUDED.ends_at), version = EXCLUDED.version
    )
    SELECT count(*) INTO changed FROM taken;
    RETURN changed;
  END $$;

  CREATE FUNCTION commit_usage(
    p_log_partition integer, p_epoch bigint, p_from bigint, p_next_offset bigint, p_log_time bigint,
    p_window_start_offset bigint, p_last_block_crc bigint, p_partition integer[], p_series integer[],
    p_start bigint[], p_version bigint[], p_count bigint[], p_last_at bigint[], p_last_key uuid[],
    p_sum numeric[], p_min numeric[], p_max numeric[], p_last numeric[], p_letters jsonb
  ) RETURNS text LANGUAGE plpgsql AS $$
  DECLARE
    position rating_progress%ROWTYPE;
    letter jsonb;
  BEGIN
    SELECT * INTO position FROM rating_progress WHERE partition = p_log_partition FOR UPDATE;
    IF NOT FOUND OR position.epoch <> p_epoch THEN RETURN 'fenced'; END IF;
    IF p_next_offset <= position.next_offset THEN RETURN 'already-applied'; END IF;
    IF p_from <> position.next_offset THEN RETURN 'misaligned'; END IF;
    PERFORM take_usage(p_partition, p_series, p_start, p_version, p_count, p_last_at, p_last_key,
      p_sum, p_min, p_max, p_last);
    FOR letter IN SELECT value FROM jsonb_array_elements(p_letters) LOOP
      PERFORM report_dead_letter(letter);
    END LOOP;
    UPDATE rating_progress SET next_offset = p_next_offset, log_time = p_log_time,
        window_start_offset = p_window_start_offset, last_block_crc = p_last_block_crc
      WHERE partition = p_log_partition;
    RETURN 'applied';
  END $$;
`;

/** Final is final to whoever writes to the tables: the triggers hold it, not the code alone. */
const CHARGES = `
  CREATE TABLE rating_revision (
    tenant text COLLATE "C" PRIMARY KEY,
    revision bigint NOT NULL
  );
  CREATE TABLE period (
    tenant text COLLATE "C" NOT NULL,
    contract text COLLATE "C" NOT NULL,
    starts_at bigint NOT NULL,
    ends_at bigint NOT NULL,
    state text NOT NULL,
    final_at bigint,
    PRIMARY KEY (tenant, contract, starts_at)
  );
  CREATE INDEX period_in_order ON period (tenant, starts_at, contract);
  CREATE INDEX period_to_finish ON period (ends_at, tenant, contract, starts_at)
    WHERE state <> 'final';
  CREATE TABLE charge (
    id text COLLATE "C" PRIMARY KEY,
    tenant text COLLATE "C" NOT NULL,
    contract text COLLATE "C" NOT NULL,
    period_from bigint NOT NULL,
    period_to bigint NOT NULL,
    sku text COLLATE "C" NOT NULL,
    unit text COLLATE "C" NOT NULL,
    starts_at bigint NOT NULL,
    body text NOT NULL
  );
  CREATE INDEX charge_in_order ON charge (tenant, period_from, contract, sku, unit, starts_at, id);
  CREATE TABLE unpriced (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    unit text COLLATE "C" NOT NULL,
    starts_at bigint NOT NULL,
    ends_at bigint NOT NULL,
    reason text COLLATE "C" NOT NULL,
    body text NOT NULL
  );
  CREATE INDEX unpriced_by_tenant ON unpriced (tenant, starts_at);
  CREATE TABLE threshold_event (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    threshold text COLLATE "C" NOT NULL,
    tenant text COLLATE "C" NOT NULL,
    contract text COLLATE "C" NOT NULL,
    period_from bigint NOT NULL,
    period_to bigint NOT NULL,
    sku text COLLATE "C" NOT NULL,
    unit text COLLATE "C" NOT NULL,
    threshold_amount text COLLATE "C" NOT NULL,
    amount text NOT NULL,
    at bigint NOT NULL,
    UNIQUE (threshold, tenant, contract, period_from, sku, unit, threshold_amount)
  );
  CREATE INDEX threshold_event_by_tenant ON threshold_event (tenant, position);

  CREATE FUNCTION keep_final_period() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF old.state = 'final' THEN RAISE EXCEPTION 'a final period is never changed or deleted'; END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN old ELSE new END;
  END $$;
  CREATE TRIGGER period_stays_final BEFORE UPDATE OR DELETE ON period
    FOR EACH ROW EXECUTE FUNCTION keep_final_period();
  CREATE FUNCTION keep_final_charge() RETURNS trigger LANGUAGE plpgsql AS $$
  DECLARE
    one charge%ROWTYPE := CASE TG_OP WHEN 'INSERT' THEN new ELSE old END;
  BEGIN
    IF EXISTS (SELECT FROM period WHERE (tenant, contract, starts_at)
        = (one.tenant, one.contract, one.period_from) AND state = 'final') THEN
      RAISE EXCEPTION 'a final charge is never changed or deleted';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN old ELSE new END;
  END $$;
  CREATE TRIGGER charge_stays_final BEFORE INSERT OR UPDATE OR DELETE ON charge
    FOR EACH ROW EXECUTE FUNCTION keep_final_charge();

  -- Puts a change in as a whole, or says that it is a conflict. What is due comes as [from, to, version].
  CREATE FUNCTION put_charges(p_tenant text, p_revision bigint, p_change jsonb)
    RETURNS boolean LANGUAGE plpgsql AS $$
  DECLARE
    current_revision bigint;
    range_from bigint := p_change->'range'->>0;
    range_to bigint := p_change->'range'->>1;
  BEGIN
    -- The row is there for its lock: changes of a tenant go one at a time.
    INSERT INTO rating_revision VALUES (p_tenant, 0) ON CONFLICT DO NOTHING;
    SELECT revision INTO current_revision FROM rating_revision WHERE tenant = p_tenant FOR UPDATE;
    IF current_revision <> p_revision THEN RETURN false; END IF;
    IF EXISTS (SELECT FROM jsonb_to_recordset(p_change->'periods')
        AS p (contract text, starts_at bigint) JOIN period USING (contract, starts_at)
        WHERE tenant = p_tenant AND period.state = 'final') THEN
      RETURN false;
    END IF;
    IF EXISTS (SELECT FROM unpriced WHERE tenant = p_tenant
        AND ends_at > range_from AND starts_at < range_to
        AND (starts_at < range_from OR ends_at > range_to)) THEN
      RETURN false;
    END IF;
    UPDATE rating_revision SET revision = revision + 1 WHERE tenant = p_tenant;
    DELETE FROM charge USING jsonb_to_recordset(p_change->'periods')
        AS p (contract text, starts_at bigint)
      WHERE charge.tenant = p_tenant AND charge.contract = p.contract
        AND charge.period_from = p.starts_at;
    INSERT INTO charge SELECT * FROM jsonb_to_recordset(p_change->'charges') AS c (id text,
      tenant text, contract text, period_from bigint, period_to bigint, sku text, unit text,
      starts_at bigint, body text);
    -- Behind their charges: once a period is final, its charges stay.
    INSERT INTO period SELECT p_tenant, p.* FROM jsonb_to_recordset(p_change->'periods')
        AS p (contract text, starts_at bigint, ends_at bigint, state text, final_at bigint)
      ON CONFLICT (tenant, contract, starts_at) DO UPDATE SET ends_at = EXCLUDED.ends_at,
        state = EXCLUDED.state, final_at = EXCLUDED.final_at;
    DELETE FROM unpriced
      WHERE tenant = p_tenant AND ends_at > range_from AND starts_at < range_to;
    INSERT INTO unpriced (tenant, sku, unit, starts_at, ends_at, reason, body)
      SELECT p_tenant, u.* FROM jsonb_to_recordset(p_change->'unpriced') AS u (sku text, unit text,
        starts_at bigint, ends_at bigint, reason text, body text);
    INSERT INTO threshold_event (threshold, tenant, contract, period_from, period_to, sku, unit,
        threshold_amount, amount, at)
      SELECT e->>'threshold', p_tenant, e->>'contract', (e->>'from')::bigint, (e->>'to')::bigint,
        e->>'sku', e->>'unit', e->>'threshold_amount', e->>'amount', (e->>'at')::bigint
      FROM jsonb_array_elements(p_change->'events') WITH ORDINALITY AS a (e, nth) ORDER BY nth
      ON CONFLICT DO NOTHING;
    DELETE FROM due_rating WHERE tenant = p_tenant AND version = (p_change->>'due')::bigint;
    -- It has changed meanwhile: it stays due, behind those who have waited longer.
    UPDATE due_rating SET since = nextval('due_version'), place = 0
      WHERE tenant = p_tenant AND version <> (p_change->>'due')::bigint;
    RETURN true;
  END $$;
`;

/** Every version of every entry; what was promised to a customer must be found as it was then. */
const METERING_CATALOGUE = `
  CREATE TABLE metering_log (name text PRIMARY KEY, settings text NOT NULL);
  CREATE TABLE metering_entry (
    kind text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    tenant text,
    body text NOT NULL,
    PRIMARY KEY (kind, id, version)
  );
  CREATE TABLE metering_revision (revision bigint NOT NULL);
  INSERT INTO metering_revision VALUES (0);
  CREATE TABLE metering_act (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at bigint NOT NULL,
    actor text NOT NULL,
    act text NOT NULL,
    kind text NOT NULL,
    id text NOT NULL,
    tenant text COLLATE "C",
    detail text
  );
  CREATE INDEX metering_act_by_tenant ON metering_act (tenant, position);
  CREATE TRIGGER metering_act_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON metering_act
    EXECUTE FUNCTION keep_act();
  CREATE FUNCTION keep_entry() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    RAISE EXCEPTION 'a version of an entry is never changed or deleted';
  END $$;
  CREATE TRIGGER metering_entry_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON metering_entry
    EXECUTE FUNCTION keep_entry();

  CREATE FUNCTION put_metering_entry(
    p_kind text, p_id text, p_tenant text, p_version bigint, p_revision bigint, p_body text,
    p_at bigint, p_actor text, p_act text, p_act_kind text, p_act_id text, p_act_tenant text,
    p_detail text
  ) RETURNS boolean LANGUAGE plpgsql AS $$
  DECLARE
    current_revision bigint;
  BEGIN
    -- Changes go one at a time: a rule over several entries holds by the revision alone.
    SELECT revision INTO current_revision FROM metering_revision FOR UPDATE;
    IF p_revision <> current_revision THEN RETURN false; END IF;
    IF p_version <> (SELECT coalesce(max(version), 0) FROM metering_entry
        WHERE kind = p_kind AND id = p_id) THEN
      RETURN false;
    END IF;
    INSERT INTO metering_entry VALUES (p_kind, p_id, p_version + 1, p_tenant, p_body);
    UPDATE metering_revision SET revision = revision + 1;
    INSERT INTO metering_act (at, actor, act, kind, id, tenant, detail)
      VALUES (p_at, p_actor, p_act, p_act_kind, p_act_id, p_act_tenant, p_detail);
    RETURN true;
  END $$;
`;

export const RATING = `${USAGE} ${CHARGES} ${METERING_CATALOGUE}`;
