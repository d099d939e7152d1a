/** The ledger on SQLite: every event a row, in one file with the windows and the position they make. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import type { Checkpoint } from '../../domain/counting/checkpoint.ts';
import { START } from '../../domain/counting/checkpoint.ts';
import { retentionFloor } from '../../domain/counting/retention.ts';
import { EXPIRED, LATE } from '../../domain/counting/verdict.ts';
import { ApuraError } from '../../domain/errors.ts';
import type {
  EventColumns,
  EventPage,
  Ledger,
  LedgerEvent,
  LedgerStep,
} from '../../ports/ledger.ts';
import type {
  ActMark,
  Books,
  CommitOutcome,
  MinuteCount,
  PartitionCounts,
  Takeover,
} from '../../ports/store-step.ts';
import {
  applySchema,
  bindToLog,
  checkLog,
  openSqliteReader,
  openSqliteWriter,
  readMeta,
  readNumber,
  transaction,
  writeMeta,
} from './database.ts';
import {
  FORGOTTEN_TABLES,
  LEDGER_SCHEMA,
  SqliteLedgerReader,
  VOTE_COUNTED,
  VOTE_VOIDED,
} from './ledger-reader.ts';
import { numberOf } from './row-values.ts';
import { StepTables } from './step-tables.ts';

export interface SqliteLedgerOptions {
  readonly path: string;
  /** The log that the ledger belongs to. */
  readonly logId: string;
}

const PAGE_BYTES = 8_192;
const CHECKPOINT_PAGES = 2_000;
const CACHE_KIB = 16_384;
const SQLITE_CONSTRAINT_PRIMARYKEY = 1_555;
const U16 = 0x1_0000;
/** Under which name the first bytes are kept of ids that were not forgotten, in hex. */
const FORGOTTEN_BEFORE = 'forgottenBefore';
const ID_TIME_BYTES = 6;
/** Rows that one transaction takes away: some 50 ms. */
const FORGET_ROWS_MAX = 20_000;

/**
 * Opens the ledger of a log for writing, making the file where there is none.
 *
 * @throws ApuraError `log_mismatch`: the file is the ledger of another log.
 * @throws ApuraError `store_corrupt`: the file is no ledger, or one of another version.
 */
export function openSqliteLedger({ path, logId }: SqliteLedgerOptions): Ledger {
  const database = openSqliteWriter({
    path,
    // NORMAL is enough: a power loss may set the ledger back by whole steps, rows and position
    // together, and the worker then takes those steps from the log again.
    synchronous: 'NORMAL',
    pageSize: PAGE_BYTES,
    checkpointPages: CHECKPOINT_PAGES,
    cacheKiB: CACHE_KIB,
  });
  try {
    applySchema(database, LEDGER_SCHEMA);
    database.exec(FORGOTTEN_TABLES);
    bindToLog(database, logId);
    return new SqliteLedger(database);
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * Opens a ledger that a writer has made, for questions alone, on a connection of its own: in another
 * thread it holds neither the writer up nor is held up by it.
 *
 * @throws ApuraError `log_mismatch`: the file is the ledger of another log.
 * @throws ApuraError `store_corrupt`: the file is no ledger, or one of another version.
 */
export function openSqliteLedgerReader({ path, logId }: SqliteLedgerOptions): SqliteLedgerReader {
  const database = openSqliteReader(path, LEDGER_SCHEMA);
  try {
    checkLog(database, logId);
    return new SqliteLedgerReader(database);
  } catch (error) {
    database.close();
    throw error;
  }
}

class SqliteLedger implements Ledger {
  readonly #database: DatabaseSync;
  readonly #tables: StepTables;
  readonly #reader: SqliteLedgerReader;
  readonly #insertVote: StatementSync;
  readonly #insertExcluded: StatementSync;
  readonly #widenSpan: StatementSync;
  readonly #setState: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#tables = new StepTables(database);
    this.#reader = new SqliteLedgerReader(database);
    // Row by row through one prepared statement: a commit took 0.65 to 0.86 M votes/s in steps of
    // 20,000 on one core, 0.6 M/s in steps of 1,000. One INSERT … SELECT that takes the columns apart
    // from one bound blob came to the same within a tenth: the tree costs more than the calls.
    // The plain INSERT is the conflict check too.
    this.#insertVote = database.prepare(`INSERT INTO vote VALUES (?, ?, ?, ?, ?, ${VOTE_COUNTED})`);
    this.#insertExcluded = database.prepare(`
      INSERT INTO excluded (id, key, accepted_at, partition, "offset", state)
      VALUES (?, ?, ?, ?, ?, ?)`);
    this.#widenSpan = database.prepare(`
      INSERT INTO key_span VALUES (?, ?, ?)
      ON CONFLICT DO UPDATE SET
        first_id_time = min(first_id_time, excluded.first_id_time),
        last_id_time = max(last_id_time, excluded.last_id_time)`);
    this.#setState = database.prepare('UPDATE vote SET state = ? WHERE id = ? AND partition = ?');
  }

  async takeOver(partition: number): Promise<Takeover> {
    return this.#write(() => this.#tables.takeOver(partition));
  }

  async commit(step: LedgerStep): Promise<CommitOutcome> {
    return this.#write(() => {
      const outcome = this.#tables.judge(step);
      if (outcome !== 'applied') return outcome;
      this.#addVotes(step.partition, step.counted);
      this.#addExcluded(step.partition, step.excluded);
      for (const act of this.#tables.apply(step)) this.#act(step.partition, act);
      return outcome;
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
    const partitions = this.#database
      .prepare('SELECT log_time FROM progress WHERE next_offset > 0')
      .all();
    const floor = retentionFloor(
      before,
      partitions.map((row) => numberOf(row.log_time)),
    );
    const end = Buffer.alloc(ID_TIME_BYTES);
    end.writeUIntBE(floor, 0, ID_TIME_BYTES);
    const known = Buffer.from(readMeta(this.#database, FORGOTTEN_BEFORE) ?? '', 'hex');
    if (Buffer.compare(end, known) > 0) {
      writeMeta(this.#database, FORGOTTEN_BEFORE, end.toString('hex'));
    }
    let forgotten = 0;
    for (const table of ['vote', 'excluded']) {
      for (let rows = 1; rows > 0; forgotten += rows) {
        rows = this.#write(() => this.#forgetRows(table, end));
        // A step comes between.
        await setImmediate();
      }
    }
    return forgotten;
  }

  async reset(partition: number): Promise<void> {
    const empty = { checkpoint: START, counts: [], books: [], closes: [], acts: [] };
    this.#write(() => {
      this.#tables.replace(partition, empty);
      this.#database.prepare('DELETE FROM forgotten WHERE partition = ?').run(partition);
      const others = 'SELECT count(*) FROM progress WHERE partition <> ? AND next_offset > 0';
      // A DELETE without a condition drops the pages instead of visiting every row.
      if (readNumber(this.#database, others, partition) === 0) {
        this.#database.exec('DELETE FROM vote; DELETE FROM excluded; DELETE FROM key_span');
        return;
      }
      for (const table of ['vote', 'excluded']) {
        this.#database.prepare(`DELETE FROM ${table} WHERE partition = ?`).run(partition);
      }
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#reader[Symbol.asyncDispose]();
  }

  /** Takes the oldest rows before `end` away and keeps their counts; says how many they were. */
  #forgetRows(table: string, end: Uint8Array): number {
    const last = `SELECT max(id) AS id FROM (
      SELECT id FROM ${table} WHERE id < ? ORDER BY id LIMIT ${FORGET_ROWS_MAX})`;
    const id = this.#database.prepare(last).get(end)?.id;
    if (!(id instanceof Uint8Array)) return 0;
    this.#database
      .prepare(
        `INSERT INTO forgotten
         SELECT partition, key, accepted_at / 60000, state, count(*) FROM ${table} WHERE id <= ?
         GROUP BY 1, 2, 3, 4
         ON CONFLICT DO UPDATE SET rows = rows + excluded.rows`,
      )
      .run(id);
    return Number(this.#database.prepare(`DELETE FROM ${table} WHERE id <= ?`).run(id).changes);
  }

  #addVotes(partition: number, columns: EventColumns): void {
    const { count, ids, keyIndex, acceptedAt, offset } = columns;
    const keys = this.#keyNumbers(columns);
    const insert = this.#insertVote;
    for (let index = 0; index < count; index += 1) {
      const id = ids.subarray(index * 16, index * 16 + 16);
      const key = keys[keyIndex[index] as number] as number;
      try {
        insert.run(id, key, acceptedAt[index] as number, partition, offset[index] as number);
      } catch (error) {
        throw asConflict(error, id);
      }
    }
  }

  #addExcluded(partition: number, columns: LedgerStep['excluded']): void {
    const { count, ids, keyIndex, acceptedAt, offset, verdict } = columns;
    const keys = this.#keyNumbers(columns);
    for (let index = 0; index < count; index += 1) {
      this.#insertExcluded.run(
        ids.subarray(index * 16, index * 16 + 16),
        keys[keyIndex[index] as number] as number,
        acceptedAt[index] as number,
        partition,
        offset[index] as number,
        excludedState(verdict[index]),
      );
    }
  }

  /** The number of each of the columns' keys, whose span is widened by their events. */
  #keyNumbers({ count, ids, keyIndex, keys }: EventColumns): readonly number[] {
    const first = new Float64Array(keys.length).fill(Number.POSITIVE_INFINITY);
    const last = new Float64Array(keys.length);
    const view = new DataView(ids.buffer, ids.byteOffset, ids.byteLength);
    for (let index = 0; index < count; index += 1) {
      const key = keyIndex[index] as number;
      const time = view.getUint32(index * 16) * U16 + view.getUint16(index * 16 + 4);
      if (time < (first[key] as number)) first[key] = time;
      if (time > (last[key] as number)) last[key] = time;
    }
    return keys.map((key, index) => {
      const number = this.#tables.keyNumber(key);
      const from = first[index] as number;
      if (from < Number.POSITIVE_INFINITY) {
        this.#widenSpan.run(number, from, last[index] as number);
      }
      return number;
    });
  }

  /** Only an event that was counted can be voided, and only such a one restored. */
  #act(partition: number, act: ActMark): void {
    const state = act.kind === 'void' ? VOTE_VOIDED : VOTE_COUNTED;
    const target = Buffer.from(act.target, 'hex');
    if (this.#setState.run(state, target, partition).changes === 0) {
      this.#actOnForgotten(partition, act, target);
    }
  }

  /** Of an event whose row is forgotten the act itself says where it counts. */
  #actOnForgotten(partition: number, act: ActMark, target: Uint8Array): void {
    const bound = readMeta(this.#database, FORGOTTEN_BEFORE);
    if (bound === null || Buffer.compare(target, Buffer.from(bound, 'hex')) >= 0) return;
    const before = this.#database
      .prepare(
        `SELECT kind FROM act WHERE partition = ?1 AND target = ?2 AND sequence <
           (SELECT sequence FROM act WHERE partition = ?1 AND target = ?2 AND act_id = ?3)
         ORDER BY sequence DESC LIMIT 1`,
      )
      .get(partition, target, act.actId);
    if ((before?.kind ?? 'restore') === act.kind) return;
    const change = act.kind === 'void' ? 1 : -1;
    const add = this.#database.prepare(
      `INSERT INTO forgotten VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET rows = rows + excluded.rows`,
    );
    const key = this.#tables.keyNumber(act);
    add.run(partition, key, act.minute, VOTE_COUNTED, -change);
    add.run(partition, key, act.minute, VOTE_VOIDED, change);
  }

  #write<T>(work: () => T): T {
    try {
      return transaction(this.#database, work);
    } catch (error) {
      this.#tables.forgetKeys();
      throw error;
    }
  }
}

function asConflict(error: unknown, id: Uint8Array): unknown {
  if (!(error instanceof Error) || !('errcode' in error)) return error;
  if (error.errcode !== SQLITE_CONSTRAINT_PRIMARYKEY) return error;
  return new ApuraError(
    'ledger_key_conflict',
    `The ledger counts ${Buffer.from(id).toString('hex')} already.`,
    { cause: error },
  );
}

function excludedState(verdict: number | undefined): 'late' | 'expired' {
  if (verdict === LATE) return 'late';
  if (verdict === EXPIRED) return 'expired';
  throw new RangeError(`Verdict ${verdict} excludes no event`);
}
