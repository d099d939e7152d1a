/** The ledger on Postgres: every event a row, in one schema with the windows and the position they make. */
import { DatabaseError, escapeLiteral, type PoolClient } from 'pg';
import type { Checkpoint } from '../../domain/counting/checkpoint.ts';
import { DAY_MS, retentionFloor } from '../../domain/counting/retention.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { EventPage, Ledger, LedgerEvent, LedgerStep } from '../../ports/ledger.ts';
import type {
  ActMark,
  Books,
  CloseMark,
  CommitOutcome,
  MinuteCount,
  PartitionCounts,
  Takeover,
} from '../../ports/store-step.ts';
import { callAndCommit, copyRows, outcomeOf } from './copy.ts';
import {
  listOf,
  numberOf,
  objectOf,
  openPostgres,
  type PostgresDatabase,
  type PostgresOptions,
  type Row,
  SCAN_TIMEOUT_MS,
  textOf,
  unexpected,
} from './database.ts';
import { checkpointOf, idOf, keyOf, PostgresLedgerReader } from './ledger-reader.ts';
import { type EncodedStep, encodeStep } from './ledger-step.ts';
import { bindToLog } from './log-binding.ts';
import { STAGING_TABLE } from './schema.ts';

export interface PostgresLedgerOptions extends PostgresOptions {
  /** The log that the ledger belongs to. */
  readonly logId: string;
  /** The log's place in the catalogue's list: each log has a ledger in a schema of its own. First: 0. */
  readonly generation?: number;
}

const UNIQUE_VIOLATION = '23505';
/** Ids of one step lie minutes apart: what spans more days than this has ids without a time. */
const DAYS_PER_STEP_MAX = 8;
/** How long a day whose table could not be made is left to the default one. */
const DAY_RETRY_MS = 10_000;
/** Ids begin with 48 bits of time. */
const LAST_DAY = Math.floor(2 ** 48 / DAY_MS) - 1;

/**
 * Connects, brings the schema up to date and ties it to the log.
 *
 * @throws ApuraError `log_mismatch`: the schema is the ledger of another log.
 * @throws ApuraError `durability_refused`: the server does not keep what it has committed.
 * @throws ApuraError `store_corrupt`: the schema is not ours, or of a newer version.
 * @throws ApuraError `store_unavailable`: nobody answers at the address, or lets us in.
 */
export async function openPostgresLedger(options: PostgresLedgerOptions): Promise<Ledger> {
  const database = await openPostgres(options, options.generation);
  try {
    await bindToLog(database, 'logId', options.logId);
    return new PostgresLedger(database);
  } catch (error) {
    await database[Symbol.asyncDispose]();
    throw error;
  }
}

class PostgresLedger implements Ledger {
  readonly #database: PostgresDatabase;
  readonly #reader: PostgresLedgerReader;
  /** Connections that have their table `staged`. */
  readonly #staging = new WeakSet<PoolClient>();
  /** Until when no table needs to be made for a day of a partition, by `performance.now()`. */
  readonly #tables = new Map<string, number>();

  constructor(database: PostgresDatabase) {
    this.#database = database;
    this.#reader = new PostgresLedgerReader(database);
  }

  async takeOver(partition: number): Promise<Takeover> {
    const [row] = await this.#database.rows('SELECT take_over($1) AS taken', [partition]);
    const { progress, closes, acts } = objectOf(row?.taken);
    const position = objectOf(progress);
    return {
      epoch: numberOf(position.epoch),
      checkpoint: checkpointOf(position),
      closes: listOf(closes).map(closeOf),
      acts: listOf(acts).map(actOf),
    };
  }

  /**
   * The events by COPY into the session's own table, then one message that calls `commit_step` and
   * commits. Steps of 20,000 votes from one worker, with the server beside it on the same two cores:
   * 210,000 to 350,000 votes/s, no fewer on top of 10 M rows; a step lasts 50 to 90 ms, of which the
   * worker is busy for a tenth.
   */
  async commit(step: LedgerStep): Promise<CommitOutcome> {
    const encoded = encodeStep(step);
    await this.#prepareDays(step.partition, encoded.days);
    return this.#database.run(async (client) => {
      if (!this.#staging.has(client)) {
        await client.query(STAGING_TABLE);
        this.#staging.add(client);
      }
      await copyRows(client, 'staged', encoded);
      return outcomeOf(await callAndCommit(client, callOf(step, encoded)).catch(rethrowConflict));
    });
  }

  read(partition: number): Promise<PartitionCounts> {
    return this.#reader.read(partition);
  }

  find(id: string): Promise<LedgerEvent | null> {
    return this.#reader.find(id);
  }

  windows(scope: string, fromMinute: number, toMinute: number): Promise<readonly MinuteCount[]> {
    return this.#reader.windows(scope, fromMinute, toMinute);
  }

  books(scope: string): Promise<Books> {
    return this.#reader.books(scope);
  }

  events(scope: string, cursor: string | null, limit: number): Promise<EventPage> {
    return this.#reader.events(scope, cursor, limit);
  }

  checkpoint(partition: number): Promise<Checkpoint> {
    return this.#reader.checkpoint(partition);
  }

  recount(partition: number): Promise<PartitionCounts> {
    return this.#reader.recount(partition);
  }

  async forget(before: number): Promise<number> {
    const partitions = await this.#database.rows(
      'SELECT partition, log_time FROM progress WHERE next_offset > 0 ORDER BY partition',
    );
    const floor = retentionFloor(
      before,
      partitions.map((row) => numberOf(row.log_time)),
    );
    if (floor === 0) return 0;
    let forgotten = 0;
    for (const row of partitions) {
      const values = [numberOf(row.partition), floor];
      const ask = (client: PoolClient) =>
        client.query<Row>('SELECT forget_votes($1, $2) AS rows', values);
      const { rows } = await this.#database.run(ask, SCAN_TIMEOUT_MS);
      forgotten += numberOf(rows[0]?.rows);
    }
    await this.#database.rows('SELECT drop_vote_days($1)', [floor]);
    for (const table of this.#tables.keys()) {
      if (Number.parseInt(table, 10) * DAY_MS < floor) this.#tables.delete(table);
    }
    return forgotten;
  }

  async reset(partition: number): Promise<void> {
    const ask = (client: PoolClient) => client.query('SELECT reset_partition($1)', [partition]);
    await this.#database.run(ask, SCAN_TIMEOUT_MS);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#database[Symbol.asyncDispose]();
  }

  /** Makes the tables of the days that the votes are of, and of the next one ahead of its time. */
  async #prepareDays(partition: number, days: EncodedStep['days']): Promise<void> {
    if (days === null || days.last - days.first >= DAYS_PER_STEP_MAX) return;
    for (let day = days.first; day <= Math.min(days.last + 1, LAST_DAY); day += 1) {
      const now = performance.now();
      const table = `${day} ${partition}`;
      if (now < (this.#tables.get(table) ?? Number.NEGATIVE_INFINITY)) continue;
      const values = [day, partition];
      const [row] = await this.#database.rows('SELECT add_vote_table($1, $2) AS settled', values);
      const isSettled = row?.settled === true;
      this.#tables.set(table, isSettled ? Number.POSITIVE_INFINITY : now + DAY_RETRY_MS);
    }
  }
}

function callOf(step: LedgerStep, { content }: EncodedStep): string {
  const { nextOffset, logTime, windowStartOffset, lastBlockCrc } = step.checkpoint;
  const place = [step.partition, step.epoch, step.from, nextOffset, logTime];
  const values = [...place, windowStartOffset, lastBlockCrc].map(numberOf).join(', ');
  return `SELECT commit_step(${values}, ${escapeLiteral(content)}) AS outcome`;
}

function rethrowConflict(cause: unknown): never {
  const isConflict =
    cause instanceof DatabaseError &&
    cause.code === UNIQUE_VIOLATION &&
    cause.table?.startsWith('vote') === true;
  if (!isConflict) throw cause;
  throw new ApuraError('ledger_key_conflict', `The ledger counts an id already: ${cause.detail}`, {
    cause,
  });
}

function closeOf(value: unknown): CloseMark {
  const row = objectOf(value);
  return { scope: textOf(row.scope), offset: numberOf(row.offset) };
}

function actOf(value: unknown): ActMark {
  const row = objectOf(value);
  const { kind } = row;
  if (kind !== 'void' && kind !== 'restore') throw unexpected(kind);
  return {
    kind,
    actId: textOf(row.act_id),
    target: idOf(row.target),
    ...keyOf(row),
    minute: numberOf(row.minute),
  };
}
