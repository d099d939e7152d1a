/**
 * The event log on SQLite: one file, one writing connection, one transaction an append, flushed before
 * it is confirmed (WAL with `synchronous=FULL`, read back). Blocks of all partitions lie in one table
 * ordered by partition and offset.
 */
import { existsSync } from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { ApuraError } from '../../domain/errors.ts';
import {
  CONTROL_PARTITION,
  type EventLog,
  type LogBounds,
  type LogDescription,
  type LoggedBlock,
  type LogPosition,
  type PartitionBlock,
} from '../../ports/event-log.ts';
import { SharedOffsets } from '../../runtime/shared-offsets.ts';
import {
  applySchema,
  bindToLog,
  openSqliteReader,
  openSqliteWriter,
  readMeta,
  readNumber,
  type StoreSchema,
  transaction,
  writeMeta,
} from './database.ts';

const SCHEMA: StoreSchema = {
  kind: 'event log',
  version: 1,
  // A rowid table: blocks go to its right edge, and a block's overflow pages lie together.
  sql: `
    CREATE TABLE block (position INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
    CREATE TABLE trimmed (slot INTEGER PRIMARY KEY, start INTEGER NOT NULL);
  `,
};

/** Offsets below 2^44, and 512 partitions, keep a position a safe integer. */
const OFFSETS = 2 ** 44;
const PARTITIONS_MAX = 511;
const POLL_MS = 10;
/**
 * Of a file of large blocks: an append of 400 KB takes 0.9 ms of CPU time with these, and 1.5 ms with
 * SQLite's own pages of 4 KiB, each of which is a write of its own. One of 2 KB takes half as much again.
 */
const LARGE_PAGE_BYTES = 16_384;
const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;

/** 0 for the control partition, then the event partitions. */
const slotOf = (partition: number): number => partition + 1;

interface LogFile {
  readonly path: string;
  readonly logId: string;
  readonly partitions: number;
}

export interface SqliteLogOptions extends LogFile {
  /** Where each partition ends, slot 0 the control partition: given when readers in other threads
   * shall see commits without asking the file. */
  readonly ends?: SharedOffsets;
  /** Whether blocks mostly have many KiB, as those of pulses: decides how a new file is laid out. */
  readonly largeBlocks?: boolean;
}

abstract class SqliteLogHandle implements EventLog {
  readonly description: LogDescription;
  protected readonly ends: SharedOffsets;
  protected readonly database: DatabaseSync;
  readonly #read: StatementSync;
  readonly #trimmed: StatementSync;
  readonly #last: StatementSync;
  #closed = false;

  constructor(database: DatabaseSync, options: SqliteLogOptions) {
    this.database = database;
    this.description = {
      logId: options.logId,
      partitions: options.partitions,
      durability: 'power-safe',
      atomicAppend: true,
      appendsUnderWayMax: 1,
    };
    this.ends = options.ends ?? new SharedOffsets(options.partitions + 1);
    this.#read = database.prepare(
      'SELECT position, bytes FROM block WHERE position >= ? AND position < ? ORDER BY position',
    );
    this.#last = database.prepare(
      'SELECT max(position) AS p FROM block WHERE position BETWEEN ? AND ?',
    );
    this.#trimmed = database.prepare('SELECT start FROM trimmed WHERE slot = ?');
  }

  abstract append(blocks: readonly PartitionBlock[]): Promise<readonly number[]>;
  /** One past the partition's last offset, as this handle can know it. */
  protected abstract end(partition: number): number;
  protected hasGrown(positions: readonly LogPosition[]): boolean {
    return positions.some(({ partition, offset }) => this.end(partition) > offset);
  }

  abstract changed(positions: readonly LogPosition[], signal: AbortSignal): Promise<void>;

  async read(partition: number, from: number, maxBytes: number): Promise<readonly LoggedBlock[]> {
    this.checkPartition(partition);
    this.checkAlive();
    const end = this.end(partition);
    if (from > end) {
      throw new ApuraError(
        'log_rewound',
        `Partition ${partition} ends at ${end}, before offset ${from} that was there once.`,
      );
    }
    const base = slotOf(partition) * OFFSETS;
    const blocks: LoggedBlock[] = [];
    let bytes = 0;
    for (const row of readable(this.#read.iterate(base + from, base + end))) {
      const offset = Number(row['position']) - base;
      const expected = from + blocks.length;
      if (offset !== expected) throw this.#missing(partition, expected, offset);
      const block = row['bytes'];
      if (!(block instanceof Uint8Array)) {
        throw new ApuraError(
          'log_corrupt',
          `Block ${offset} of partition ${partition} is no block.`,
        );
      }
      blocks.push({ offset, bytes: block });
      bytes += block.length;
      if (bytes >= maxBytes) return blocks;
    }
    const expected = from + blocks.length;
    if (expected < end) throw this.#missing(partition, expected, end);
    return blocks;
  }

  #missing(partition: number, expected: number, found: number): ApuraError {
    const { start } = this.#bounds(partition);
    return expected < start
      ? new ApuraError('log_trimmed', `Partition ${partition} starts at ${start}, not ${expected}.`)
      : new ApuraError(
          'log_corrupt',
          `Partition ${partition} has no block ${expected}, but goes on to ${found}.`,
        );
  }

  async bounds(partition: number): Promise<LogBounds> {
    this.checkPartition(partition);
    this.checkAlive();
    return this.#bounds(partition);
  }

  #bounds(partition: number): LogBounds {
    return { start: this.storedStart(partition), end: this.end(partition) };
  }

  /** The first offset that was not trimmed away. */
  protected storedStart(partition: number): number {
    return Number(this.#trimmed.get(slotOf(partition))?.['start'] ?? 0);
  }

  /** The end that the file itself shows. */
  protected storedEnd(partition: number): number {
    const base = slotOf(partition) * OFFSETS;
    const last = this.#last.get(base, base + OFFSETS - 1)?.['p'];
    return typeof last === 'number' ? last - base + 1 : this.storedStart(partition);
  }

  protected checkPartition(partition: number): void {
    const known =
      partition === CONTROL_PARTITION ||
      (Number.isInteger(partition) && partition >= 0 && partition < this.description.partitions);
    if (!known) throw new RangeError(`The log has no partition ${partition}.`);
  }

  /** Throws where an earlier failure has ended this handle. */
  protected checkAlive(): void {}

  protected get closed(): boolean {
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.database.close();
  }
}

/** What SQLite finds damaged is a damaged log; anything else stays what it is. */
function asLogError(cause: unknown): unknown {
  const code = cause instanceof Error && 'errcode' in cause ? cause.errcode : null;
  if (code !== SQLITE_CORRUPT) return cause;
  return new ApuraError('log_corrupt', 'The file of the log is damaged.', { cause });
}

function* readable<Row>(rows: Iterable<Row>): Generator<Row> {
  try {
    yield* rows;
  } catch (error) {
    throw asLogError(error);
  }
}

class SqliteLogWriter extends SqliteLogHandle {
  readonly #insert: StatementSync;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  #failure: ApuraError | null = null;

  constructor(database: DatabaseSync, options: SqliteLogOptions) {
    super(database, options);
    this.#insert = database.prepare('INSERT INTO block (position, bytes) VALUES (?, ?)');
    this.#begin = database.prepare('BEGIN IMMEDIATE');
    this.#commit = database.prepare('COMMIT');
    this.#eachPartition((partition) => this.ends.set(slotOf(partition), this.storedEnd(partition)));
    this.ends.announce();
  }

  #eachPartition(visit: (partition: number) => void): void {
    visit(CONTROL_PARTITION);
    for (let partition = 0; partition < this.description.partitions; partition += 1) {
      visit(partition);
    }
  }

  protected end(partition: number): number {
    return this.ends.get(slotOf(partition));
  }

  /** The level that SQLite works with: 2 is FULL, a flush at every commit. */
  get synchronous(): number {
    return readNumber(this.database, 'PRAGMA synchronous');
  }

  /** Lets every write that would need a further page fail, as on a full disk: for drills. */
  refuseGrowth(): void {
    const pages = readNumber(this.database, 'PRAGMA page_count');
    this.database.exec(`PRAGMA max_page_count = ${pages}`);
  }

  async append(blocks: readonly PartitionBlock[]): Promise<readonly number[]> {
    return this.appendNow(blocks);
  }

  /** As `append`, for a thread that has nothing else to do meanwhile. */
  appendNow(blocks: readonly PartitionBlock[]): readonly number[] {
    this.checkAlive();
    if (this.closed) throw new ApuraError('log_unavailable', 'The log is closed.');
    for (const block of blocks) this.checkPartition(block.partition);
    const ends = new Map<number, number>();
    const offsets: number[] = [];
    try {
      // One statement is a transaction by itself: alone it costs half of what three take.
      if (blocks.length > 1) this.#begin.run();
      for (const { partition, bytes } of blocks) {
        const offset = ends.get(partition) ?? this.end(partition);
        this.#insert.run(slotOf(partition) * OFFSETS + offset, bytes);
        ends.set(partition, offset + 1);
        offsets.push(offset);
      }
      if (blocks.length > 1) this.#commit.run();
    } catch (cause) {
      throw this.#fail(cause);
    }
    for (const [partition, end] of ends) this.ends.set(slotOf(partition), end);
    this.ends.announce();
    return offsets;
  }

  /**
   * Forgets the blocks of a partition below `start`; offsets stay what they were. The caller has made
   * sure that no store still needs them.
   */
  trim(partition: number, start: number): void {
    this.checkPartition(partition);
    const slot = slotOf(partition);
    transaction(this.database, () => {
      this.database
        .prepare(
          'INSERT INTO trimmed VALUES (?, ?) ON CONFLICT DO UPDATE SET start = max(start, ?2)',
        )
        .run(slot, start);
      this.database
        .prepare('DELETE FROM block WHERE position >= ? AND position < ?')
        .run(slot * OFFSETS, slot * OFFSETS + start);
    });
  }

  protected override checkAlive(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  /** A lock that did not come is nothing; anything else from the storage ends this handle for good. */
  #fail(cause: unknown): ApuraError {
    const busy = cause instanceof Error && 'errcode' in cause && cause.errcode === SQLITE_BUSY;
    if (busy && !this.database.isTransaction) {
      return new ApuraError('log_unavailable', 'Another process holds the log.', { cause });
    }
    this.#failure = new ApuraError(
      'log_failed',
      `The log's storage failed: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
    return this.#failure;
  }

  async changed(positions: readonly LogPosition[], signal: AbortSignal): Promise<void> {
    this.checkAlive();
    await waitForEnd(this.ends, () => this.closed || this.hasGrown(positions), signal);
  }
}

class SqliteLogReader extends SqliteLogHandle {
  readonly #shared: boolean;

  constructor(database: DatabaseSync, options: SqliteLogOptions) {
    super(database, options);
    this.#shared = options.ends !== undefined;
  }

  protected end(partition: number): number {
    return this.#shared ? this.ends.get(slotOf(partition)) : this.storedEnd(partition);
  }

  async append(): Promise<readonly number[]> {
    throw new ApuraError('log_unavailable', 'This handle only reads the log.');
  }

  async changed(positions: readonly LogPosition[], signal: AbortSignal): Promise<void> {
    await waitForEnd(this.ends, () => this.closed || this.hasGrown(positions), signal);
  }
}

/** Waits for an announcement, and looks by itself now and then: another process announces nothing. */
async function waitForEnd(
  ends: SharedOffsets,
  reached: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const seen = ends.changes;
    if (signal.aborted || reached()) return;
    await ends.announced(seen, POLL_MS);
  }
}

function claim(database: DatabaseSync, options: LogFile): void {
  bindToLog(database, options.logId);
  const partitions = readMeta(database, 'partitions');
  if (partitions === null) writeMeta(database, 'partitions', String(options.partitions));
  else if (partitions !== String(options.partitions)) {
    throw new ApuraError(
      'invalid_config',
      `The log has ${partitions} partitions, and the settings say ${options.partitions}: ` +
        'their number is fixed for the life of a log.',
    );
  }
}

/**
 * Opens the log's one writing handle, making the file where there is none. The caller holds the data
 * folder's lock.
 *
 * @throws ApuraError `log_mismatch`, `invalid_config` (another number of partitions), `store_corrupt`,
 *   `durability_refused`.
 */
export function openSqliteLog(options: SqliteLogOptions): SqliteLogWriter {
  if (options.partitions < 1 || options.partitions > PARTITIONS_MAX) {
    throw new ApuraError('invalid_config', `A SQLite log has 1 to ${PARTITIONS_MAX} partitions.`);
  }
  const database = openSqliteWriter({
    path: options.path,
    synchronous: 'FULL',
    ...(options.largeBlocks === true ? { pageSize: LARGE_PAGE_BYTES } : {}),
  });
  try {
    applySchema(database, SCHEMA);
    claim(database, options);
    return new SqliteLogWriter(database, options);
  } catch (error) {
    database.close();
    throw asLogError(error);
  }
}

/**
 * Opens a reading handle for another thread or process; its `append` refuses.
 *
 * @throws ApuraError `log_mismatch`, `store_corrupt`, `log_unavailable` (no such file).
 */
export function openSqliteLogReader(options: SqliteLogOptions): EventLog {
  if (!existsSync(options.path)) {
    throw new ApuraError('log_unavailable', `There is no log at ${options.path}.`);
  }
  const database = openSqliteReader(options.path, SCHEMA);
  try {
    if (readMeta(database, 'logId') !== options.logId) {
      throw new ApuraError('log_mismatch', `${options.path} is another log.`);
    }
    return new SqliteLogReader(database, options);
  } catch (error) {
    database.close();
    throw asLogError(error);
  }
}

export type { SqliteLogWriter };
