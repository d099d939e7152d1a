/** Dead letters on SQLite: tables that stand in the file of the store whose steps write them. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import {
  DEAD_LETTER_QUEUES,
  DEAD_LETTER_STATES,
  type DeadLetter,
  type DeadLetterQueue,
  type DeadLetterReport,
  type DeadLetterState,
  letterCursorAt,
  letterPlaceAt,
  reportedLetter,
  resolvedLetter,
} from '../../domain/metering/dead-letter.ts';
import type { DeadLetterFilter, DeadLetterPage, DeadLetters } from '../../ports/dead-letters.ts';
import { transaction } from './database.ts';
import {
  bytesOf,
  numberOf,
  numberOrNull,
  oneOf,
  type Row,
  textOf,
  textOrNull,
} from './row-values.ts';

export const DEAD_LETTER_TABLES = `
  CREATE TABLE dead_letter (
    id TEXT PRIMARY KEY,
    queue TEXT NOT NULL,
    bytes BLOB NOT NULL,
    log_id TEXT NOT NULL,
    partition INTEGER NOT NULL,
    "offset" INTEGER NOT NULL,
    place INTEGER, -- in the block
    tenant TEXT,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    first_failed_at INTEGER NOT NULL,
    last_failed_at INTEGER NOT NULL,
    retry_at INTEGER,
    resolved_by TEXT,
    resolved_at INTEGER
  ) STRICT;
  CREATE INDEX dead_letter_by_failure ON dead_letter (last_failed_at DESC, id);
  CREATE INDEX dead_letter_waiting ON dead_letter (queue) WHERE state = 'PENDING';
  CREATE INDEX dead_letter_due ON dead_letter (retry_at, id) WHERE state = 'PENDING';
`;

/** Reads and resolves; `report` is for the store whose step it is part of. */
export class SqliteDeadLetters implements DeadLetters {
  readonly #database: DatabaseSync;
  readonly #put: StatementSync;
  readonly #get: StatementSync;
  readonly #list: StatementSync;
  readonly #pending: StatementSync;
  readonly #due: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#put = database.prepare(
      `INSERT OR REPLACE INTO dead_letter VALUES (${Array.from({ length: 17 }, () => '?')})`,
    );
    this.#get = database.prepare('SELECT * FROM dead_letter WHERE id = ?');
    this.#list = database.prepare(`
      SELECT * FROM dead_letter
      WHERE (?1 IS NULL OR queue = ?1) AND (?2 IS NULL OR state = ?2)
        AND (?3 IS NULL OR tenant = ?3) AND (?4 IS NULL OR code = ?4)
        AND last_failed_at <= ?5 AND (last_failed_at < ?5 OR id > ?6)
      ORDER BY last_failed_at DESC, id LIMIT ?7`);
    this.#pending = database.prepare(`
      SELECT queue, count(*) AS letters FROM dead_letter WHERE state = 'PENDING' GROUP BY queue`);
    this.#due = database.prepare(`
      SELECT * FROM dead_letter WHERE state = 'PENDING' AND retry_at <= ?
      ORDER BY retry_at, id LIMIT ?`);
  }

  /** The caller holds the transaction. */
  report(reports: readonly DeadLetterReport[]): void {
    for (const report of reports) {
      const row = this.#get.get(report.id);
      this.#write(reportedLetter(row === undefined ? null : letterOf(row), report));
    }
  }

  async list(
    { queue, state, tenant, code }: DeadLetterFilter,
    cursor: string | null,
    limit: number,
  ): Promise<DeadLetterPage> {
    const after =
      cursor === null ? { lastFailedAt: Number.MAX_SAFE_INTEGER, id: '' } : letterPlaceAt(cursor);
    const rows = this.#list.all(
      queue,
      state,
      tenant,
      code,
      after.lastFailedAt,
      after.id,
      limit + 1,
    );
    const letters = rows.slice(0, limit).map(letterOf);
    const last = letters.at(-1);
    const hasMore = last !== undefined && rows.length > limit;
    return { letters, nextCursor: hasMore ? letterCursorAt(last) : null };
  }

  async get(id: string): Promise<DeadLetter | null> {
    const row = this.#get.get(id);
    return row === undefined ? null : letterOf(row);
  }

  async pending(): Promise<Readonly<Record<DeadLetterQueue, number>>> {
    const counts = { 'resource-consumption.dlq': 0, 'resource-usage.dlq': 0 };
    for (const row of this.#pending.all()) {
      counts[oneOf(DEAD_LETTER_QUEUES, row.queue)] = numberOf(row.letters);
    }
    return counts;
  }

  async due(now: number, limit: number): Promise<readonly DeadLetter[]> {
    return this.#due.all(now, limit).map(letterOf);
  }

  async resolve(
    id: string,
    from: readonly DeadLetterState[],
    state: DeadLetterState,
    by: { readonly actor: string; readonly at: number },
    attempts?: number,
  ): Promise<'resolved' | 'conflict' | 'unknown'> {
    return transaction(this.#database, () => {
      const row = this.#get.get(id);
      if (row === undefined) return 'unknown';
      const letter = letterOf(row);
      if (!from.includes(letter.state)) return 'conflict';
      if (attempts !== undefined && letter.attempts !== attempts) return 'conflict';
      this.#write(resolvedLetter(letter, state, by));
      return 'resolved';
    });
  }

  #write(letter: DeadLetter): void {
    const { logId, partition, offset, index } = letter.origin;
    this.#put.run(
      letter.id,
      letter.queue,
      letter.bytes,
      logId,
      partition,
      offset,
      index,
      letter.tenant,
      letter.code,
      letter.message,
      letter.state,
      letter.attempts,
      letter.firstFailedAt,
      letter.lastFailedAt,
      letter.retryAt,
      letter.resolvedBy,
      letter.resolvedAt,
    );
  }
}

function letterOf(row: Row): DeadLetter {
  return {
    id: textOf(row.id),
    queue: oneOf(DEAD_LETTER_QUEUES, row.queue),
    bytes: bytesOf(row.bytes),
    origin: {
      logId: textOf(row.log_id),
      partition: numberOf(row.partition),
      offset: numberOf(row.offset),
      index: numberOrNull(row.place),
    },
    tenant: textOrNull(row.tenant),
    code: textOf(row.code),
    message: textOf(row.message),
    state: oneOf(DEAD_LETTER_STATES, row.state),
    attempts: numberOf(row.attempts),
    firstFailedAt: numberOf(row.first_failed_at),
    lastFailedAt: numberOf(row.last_failed_at),
    retryAt: numberOrNull(row.retry_at),
    resolvedBy: textOrNull(row.resolved_by),
    resolvedAt: numberOrNull(row.resolved_at),
  };
}
