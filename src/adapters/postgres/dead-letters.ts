/** The dead letters of both queues on Postgres, in the schema of the stores whose steps report them. */
import { ApuraError } from '../../domain/errors.ts';
import {
  DEAD_LETTER_QUEUES,
  DEAD_LETTER_STATES,
  type DeadLetter,
  type DeadLetterQueue,
  type DeadLetterState,
  resolvedLetter,
} from '../../domain/metering/dead-letter.ts';
import type { DeadLetterFilter, DeadLetterPage, DeadLetters } from '../../ports/dead-letters.ts';
import {
  bytesOf,
  numberOf,
  orNull,
  type Parameter,
  type PostgresDatabase,
  type Row,
  textOf,
  unexpected,
} from './database.ts';

const CURSOR = /^(\d{1,16})\.([0-9a-f]{64})$/;

export class PostgresDeadLetters implements DeadLetters {
  readonly #database: PostgresDatabase;

  constructor(database: PostgresDatabase) {
    this.#database = database;
  }

  async list(
    filter: DeadLetterFilter,
    cursor: string | null,
    limit: number,
  ): Promise<DeadLetterPage> {
    const place = cursor === null ? null : CURSOR.exec(cursor);
    if (cursor !== null && place === null) {
      throw new ApuraError('invalid_query', 'The cursor is not one of a list of dead letters.');
    }
    const { queue, state, tenant, code } = filter;
    const before = place?.[1] ?? null;
    // One more than asked for: whether there is it tells whether there is a next page.
    const rows = await this.#database.rows(
      `SELECT * FROM dead_letter
       WHERE ($1::bigint IS NULL OR last_failed_at <= $1 AND (last_failed_at < $1 OR id > $2))
         AND ($3::text IS NULL OR queue = $3) AND ($4::text IS NULL OR state = $4)
         AND ($5::text IS NULL OR tenant = $5) AND ($6::text IS NULL OR code = $6)
       ORDER BY last_failed_at DESC, id LIMIT $7`,
      [before, place?.[2] ?? '', queue, state, tenant, code, limit + 1],
    );
    const letters = rows.slice(0, limit).map(letterOf);
    const last = letters.at(-1);
    const hasMore = last !== undefined && rows.length > limit;
    return { letters, nextCursor: hasMore ? `${last.lastFailedAt}.${last.id}` : null };
  }

  async get(id: string): Promise<DeadLetter | null> {
    const [row] = await this.#database.rows('SELECT * FROM dead_letter WHERE id = $1', [id]);
    return row === undefined ? null : letterOf(row);
  }

  async pending(): Promise<Readonly<Record<DeadLetterQueue, number>>> {
    const rows = await this.#database.rows(
      `SELECT queue, count(*) AS letters FROM dead_letter WHERE state = 'PENDING' GROUP BY queue`,
    );
    const counts = { 'resource-consumption.dlq': 0, 'resource-usage.dlq': 0 };
    for (const row of rows) counts[queueOf(row)] = numberOf(row.letters);
    return counts;
  }

  async due(now: number, limit: number): Promise<readonly DeadLetter[]> {
    const rows = await this.#database.rows(
      `SELECT * FROM dead_letter WHERE state = 'PENDING' AND retry_at <= $1
       ORDER BY retry_at, id LIMIT $2`,
      [now, limit],
    );
    return rows.map(letterOf);
  }

  async resolve(
    id: string,
    from: readonly DeadLetterState[],
    state: DeadLetterState,
    by: { readonly actor: string; readonly at: number },
    attempts?: number,
  ): Promise<'resolved' | 'conflict' | 'unknown'> {
    for (;;) {
      const letter = await this.get(id);
      if (letter === null) return 'unknown';
      if (!from.includes(letter.state)) return 'conflict';
      if (attempts !== undefined && letter.attempts !== attempts) return 'conflict';
      const after = resolvedLetter(letter, state, by);
      const values: readonly Parameter[] = [
        ...[id, letter.state, letter.attempts, letter.resolvedAt],
        ...[after.state, after.retryAt, after.resolvedBy, after.resolvedAt],
      ];
      const rows = await this.#database.rows(
        `UPDATE dead_letter SET state = $5, retry_at = $6, resolved_by = $7, resolved_at = $8
         WHERE id = $1 AND state = $2 AND attempts = $3 AND resolved_at IS NOT DISTINCT FROM $4
         RETURNING id`,
        values,
      );
      // None: it has failed again or was resolved meanwhile, and is judged as it is now.
      if (rows.length > 0) return 'resolved';
    }
  }
}

function letterOf(row: Row): DeadLetter {
  const state = DEAD_LETTER_STATES.find((one) => one === row.state);
  if (state === undefined) throw unexpected(`a dead letter in state ${row.state}`);
  return {
    id: textOf(row.id),
    queue: queueOf(row),
    bytes: bytesOf(row.bytes),
    origin: {
      logId: textOf(row.log_id),
      partition: numberOf(row.partition),
      offset: numberOf(row.offset),
      index: orNull(row.index, numberOf),
    },
    tenant: orNull(row.tenant, textOf),
    code: textOf(row.code),
    message: textOf(row.message),
    state,
    attempts: numberOf(row.attempts),
    firstFailedAt: numberOf(row.first_failed_at),
    lastFailedAt: numberOf(row.last_failed_at),
    retryAt: orNull(row.retry_at, numberOf),
    resolvedBy: orNull(row.resolved_by, textOf),
    resolvedAt: orNull(row.resolved_at, numberOf),
  };
}

function queueOf(row: Row): DeadLetterQueue {
  const queue = DEAD_LETTER_QUEUES.find((one) => one === row.queue);
  if (queue === undefined) throw unexpected(`a dead letter of queue ${row.queue}`);
  return queue;
}
