/**
 * The archive in Cassandra or ScyllaDB. Rows are named by what the log says alone, so that writing them
 * again changes nothing; nothing is ever counted there (docs/adr/0024).
 */
import { HOUR_MS } from '../../domain/counting/time-window.ts';
import { ApuraError } from '../../domain/errors.ts';
import {
  ARCHIVE_PAGE_BYTES_MAX,
  ARCHIVE_PAGE_EVENTS_MAX,
  type Archive,
  type ArchiveColumns,
  type ArchivedEvent,
} from '../../ports/archive.ts';
import { parseCassandraAddress } from './cassandra-address.ts';
import { type Chunk, chunksOf, decodeChunk } from './chunk.ts';
import { prepareSchema } from './schema.ts';
import { CassandraSession, type Row, type Statement, type Value } from './session.ts';

export interface CassandraArchiveOptions {
  /** `cassandra[s]://…`: see cassandra-address.ts. */
  readonly url: string;
  /** How long one request may take on one node. */
  readonly requestTimeoutMs?: number;
}

/**
 * Blocks of a partition of the log whose events of one hour lie in one Cassandra partition: with blocks
 * of up to 1 MB that is at most about 100 MB, what a node reads, repairs and compacts without trouble.
 * Part of the format: another number would look for rows elsewhere.
 */
const BLOCKS_PER_BUCKET = 128;
/** Small chunks of one bucket go together: 32 of 1 KiB in a batch are 20 times as fast. A server refuses 50 KiB. */
const BATCH_BYTES_MAX = 32 << 10;
const WRITES_AT_ONCE_MAX = 8;
/** Hours and buckets known to be listed: not written again with every block. */
const LISTED_MAX = 10_000;
/** Rows of one answer; a chunk has at most 128 KiB. */
const CHUNK_ROWS_MAX = 32;
const LIST_ROWS_MAX = 1_000;
const INT_MAX = 2 ** 31 - 1;

/**
 * Connects, and makes or checks keyspace and tables.
 *
 * @throws ApuraError `invalid_config`: the URL is none, a file that it names can not be read, or its data
 *   centre has no nodes.
 * @throws ApuraError `durability_refused`: the keyspace has fewer replicas than asked for.
 * @throws ApuraError `store_corrupt`: tables of our names are not ours.
 * @throws ApuraError `store_unavailable`: nobody answers at the address, or lets us in.
 */
export async function openCassandraArchive(options: CassandraArchiveOptions): Promise<Archive> {
  const address = parseCassandraAddress(options.url);
  const session = await CassandraSession.open(address, options.requestTimeoutMs);
  try {
    await prepareSchema(session, address);
    return new CassandraArchive(session, address.keyspace);
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
}

class CassandraArchive implements Archive {
  readonly #session: CassandraSession;
  readonly #keyspace: string;
  readonly #listed = new Set<string>();
  #closed: Promise<void> | null = null;

  constructor(session: CassandraSession, keyspace: string) {
    this.#session = session;
    this.#keyspace = keyspace;
  }

  async put(logId: string, partition: number, events: ArchiveColumns): Promise<void> {
    this.#requireOpen();
    const chunks = chunksOf(events);
    const lists = new Map<string, Statement>();
    for (const { hour, offset } of chunks) {
      const bucket = bucketOf(offset);
      lists.set(
        JSON.stringify([logId, hour]),
        this.#statement('INSERT INTO hours (log, hour) VALUES (?, ?)', logId, hour),
      );
      lists.set(
        JSON.stringify([logId, hour, partition, bucket]),
        this.#statement(
          'INSERT INTO buckets (log, hour, log_partition, bucket) VALUES (?, ?, ?, ?)',
          ...[logId, hour, partition, BigInt(bucket)],
        ),
      );
    }
    const writes = [...lists].flatMap(([name, row]) => (this.#listed.has(name) ? [] : [[row]]));
    for (const batch of batchesOf(chunks)) {
      writes.push(batch.map((chunk) => this.#chunkRow(logId, partition, chunk)));
    }
    await atOnce(WRITES_AT_ONCE_MAX, writes, (rows) => this.#session.write(rows));
    if (this.#listed.size > LISTED_MAX) this.#listed.clear();
    for (const name of lists.keys()) this.#listed.add(name);
  }

  async position(logId: string, partition: number): Promise<number> {
    this.#requireOpen();
    const query = 'SELECT next_offset FROM positions WHERE log = ? AND log_partition = ?';
    const rows = this.#session.read(this.#statement(query, logId, partition), 1);
    for await (const [row] of rows) return numberIn(row, 'next_offset');
    return 0;
  }

  /**
   * The write's timestamp is the offset itself. Of two values of a cell the one with the greater
   * timestamp stays, in whatever order they come: so the position is a maximum, without a lock.
   */
  async setPosition(logId: string, partition: number, nextOffset: number): Promise<void> {
    this.#requireOpen();
    if (nextOffset === 0) return;
    const offset = BigInt(nextOffset);
    const query =
      'INSERT INTO positions (log, log_partition, next_offset) VALUES (?, ?, ?) USING TIMESTAMP ?';
    await this.#session.write([this.#statement(query, logId, partition, offset, offset)]);
  }

  async *read(logId: string, from: number, to: number): AsyncGenerator<readonly ArchivedEvent[]> {
    let page: ArchivedEvent[] = [];
    let bytes = 0;
    for await (const hour of this.#hours(logId, from, to)) {
      for await (const { partition, bucket } of this.#buckets(logId, hour)) {
        for await (const events of this.#bucketEvents(logId, hour, partition, bucket)) {
          for (const event of events) {
            if (event.occurredAt < from || event.occurredAt >= to) continue;
            const isFull =
              page.length === ARCHIVE_PAGE_EVENTS_MAX ||
              bytes + event.bytes.length > ARCHIVE_PAGE_BYTES_MAX;
            if (isFull) {
              yield page;
              page = [];
              bytes = 0;
            }
            page.push(event);
            bytes += event.bytes.length;
          }
        }
      }
    }
    if (page.length > 0) yield page;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#session[Symbol.asyncDispose]();
    return this.#closed;
  }

  /** Hours that have events of `[from, to)`, or may have. */
  async *#hours(logId: string, from: number, to: number): AsyncGenerator<number> {
    const query = 'SELECT hour FROM hours WHERE log = ? AND hour >= ? AND hour < ?';
    const bounds = [Math.floor(from / HOUR_MS), Math.ceil(to / HOUR_MS)].map((hour) =>
      Math.min(Math.max(hour, 0), INT_MAX),
    );
    for await (const rows of this.#rows(LIST_ROWS_MAX, query, logId, ...bounds)) {
      for (const row of rows) yield numberIn(row, 'hour');
    }
  }

  async *#buckets(
    logId: string,
    hour: number,
  ): AsyncGenerator<{ readonly partition: number; readonly bucket: bigint }> {
    const query = 'SELECT log_partition, bucket FROM buckets WHERE log = ? AND hour = ?';
    for await (const rows of this.#rows(LIST_ROWS_MAX, query, logId, hour)) {
      for (const row of rows) {
        yield {
          partition: numberIn(row, 'log_partition'),
          bucket: BigInt(numberIn(row, 'bucket')),
        };
      }
    }
  }

  async *#bucketEvents(
    logId: string,
    hour: number,
    partition: number,
    bucket: bigint,
  ): AsyncGenerator<readonly ArchivedEvent[]> {
    const query = `SELECT log_offset, content FROM chunks
      WHERE log = ? AND hour = ? AND log_partition = ? AND bucket = ?`;
    let last = { offset: -1, index: -1 };
    const key = [logId, hour, partition, bucket] as const;
    for await (const rows of this.#rows(CHUNK_ROWS_MAX, query, ...key)) {
      for (const row of rows) {
        const offset = numberIn(row, 'log_offset');
        if (!Buffer.isBuffer(row.content)) throw corrupt('content');
        if (offset !== last.offset) last = { offset, index: -1 };
        // Chunks that were cut in other places, by another version, hold some events twice.
        const fresh = decodeChunk(hour, row.content).filter(({ index }) => index > last.index);
        last = { offset, index: fresh.at(-1)?.index ?? last.index };
        yield fresh.map(({ index: _, ...event }) => ({ ...event, partition, offset }));
      }
    }
  }

  #rows(
    pageRowsMax: number,
    query: string,
    ...values: readonly Value[]
  ): AsyncIterable<readonly Row[]> {
    this.#requireOpen();
    return this.#session.read(this.#statement(query, ...values), pageRowsMax);
  }

  #chunkRow(logId: string, partition: number, { hour, offset, first, content }: Chunk): Statement {
    return this.#statement(
      `INSERT INTO chunks (log, hour, log_partition, bucket, log_offset, first_index, content)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      ...[logId, hour, partition, BigInt(bucketOf(offset)), BigInt(offset), first, content],
    );
  }

  /** The query names one of our tables, without its keyspace. */
  #statement(query: string, ...values: readonly Value[]): Statement {
    const inKeyspace = query.replace(/\b(INTO|FROM) /, `$1 ${this.#keyspace}.`);
    return { query: inKeyspace, values };
  }

  #requireOpen(): void {
    if (this.#closed !== null) throw new ApuraError('store_unavailable', 'The archive is closed.');
  }
}

function bucketOf(offset: number): number {
  return Math.floor(offset / BLOCKS_PER_BUCKET);
}

/** Chunks that one request takes: of one bucket, and small together, or one large one alone. */
function batchesOf(chunks: readonly Chunk[]): readonly (readonly Chunk[])[] {
  const batches: Chunk[][] = [];
  const open = new Map<string, { readonly batch: Chunk[]; bytes: number }>();
  for (const chunk of chunks) {
    const name = `${chunk.hour}/${bucketOf(chunk.offset)}`;
    let last = open.get(name);
    if (last === undefined || last.bytes + chunk.content.length > BATCH_BYTES_MAX) {
      last = { batch: [], bytes: 0 };
      open.set(name, last);
      batches.push(last.batch);
    }
    last.batch.push(chunk);
    last.bytes += chunk.content.length;
  }
  return batches;
}

/** Does all of them, so many at a time; begins no more once one has failed, and throws when all have ended. */
async function atOnce<T>(
  max: number,
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    try {
      while (next < items.length) {
        const item = items[next] as T;
        next += 1;
        await work(item);
      }
    } catch (error) {
      next = items.length;
      throw error;
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: max }, lane));
  for (const end of lanes) if (end.status === 'rejected') throw end.reason;
}

function numberIn(row: Row | undefined, column: string): number {
  const number = Number(row?.[column]);
  if (!Number.isSafeInteger(number)) throw corrupt(column);
  return number;
}

function corrupt(column: string): ApuraError {
  return new ApuraError('store_corrupt', `The archive has a row without a usable ${column}.`);
}
