/** The table of dead letters, and the function by which the steps of ledger and rating book report them. */

/**
 * A report of bytes that could not be processed: as `reportedLetter` of domain/metering has it. A letter
 * that is met again where it is known from, or before, was met by a rebuild. `retries` holds how long after
 * its first, second, … failure it is tried again.
 */
export const DEAD_LETTERS = `
  CREATE TABLE dead_letter (
    id text COLLATE "C" PRIMARY KEY,
    queue text NOT NULL,
    bytes bytea NOT NULL,
    log_id text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    index integer,
    tenant text COLLATE "C",
    code text NOT NULL,
    message text NOT NULL,
    state text NOT NULL,
    attempts integer NOT NULL,
    first_failed_at bigint NOT NULL,
    last_failed_at bigint NOT NULL,
    retry_at bigint,
    resolved_by text,
    resolved_at bigint
  );
  CREATE INDEX dead_letter_by_failure ON dead_letter (last_failed_at, id);
  CREATE INDEX dead_letter_pending ON dead_letter (queue) WHERE state = 'PENDING';
  CREATE INDEX dead_letter_due ON dead_letter (retry_at, id) WHERE state = 'PENDING';
  CREATE FUNCTION report_dead_letter(p_letter jsonb) RETURNS void LANGUAGE plpgsql AS $$
  DECLARE
    e record;
  BEGIN
    SELECT * INTO e FROM jsonb_to_record(p_letter) AS e (id text, queue text, bytes text, log_id text,
      partition integer, "offset" bigint, index integer, tenant text, code text, message text,
      failed_at bigint, retries bigint[]);
    INSERT INTO dead_letter AS d
      VALUES (e.id, e.queue, decode(e.bytes, 'base64'), e.log_id, e.partition, e."offset", e.index,
        e.tenant, e.code, e.message, 'PENDING', 1, e.failed_at, e.failed_at,
        e.failed_at + e.retries[1])
      ON CONFLICT (id) DO UPDATE SET
        log_id = EXCLUDED.log_id, partition = EXCLUDED.partition, "offset" = EXCLUDED."offset",
        index = EXCLUDED.index, tenant = EXCLUDED.tenant, code = EXCLUDED.code,
        message = EXCLUDED.message, attempts = d.attempts + 1,
        state = CASE d.state WHEN 'DISCARDED' THEN 'DISCARDED' ELSE 'PENDING' END,
        last_failed_at = greatest(d.last_failed_at, EXCLUDED.last_failed_at),
        retry_at = CASE d.state WHEN 'DISCARDED' THEN NULL
          ELSE EXCLUDED.last_failed_at + e.retries[d.attempts + 1] END
      WHERE (d.log_id, d.partition) <> (EXCLUDED.log_id, EXCLUDED.partition)
        OR (d."offset", coalesce(d.index, 0)) < (EXCLUDED."offset", coalesce(EXCLUDED.index, 0));
  END $$;
`;
