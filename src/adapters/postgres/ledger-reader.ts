/** What can be asked of the ledger on Postgres. */
import type { PoolClient } from 'pg';
import { type Checkpoint, START } from '../../domain/counting/checkpoint.ts';
import type { EventKey } from '../../domain/counting/key.ts';
import { LANES } from '../../domain/counting/lane.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { EventPage, Ledger, LedgerEvent, LedgerEventState } from '../../ports/ledger.ts';
import type { Books, MinuteCount, PartitionCounts } from '../../ports/store-step.ts';
import {
  inSnapshot,
  numberOf,
  type Parameter,
  type PostgresDatabase,
  type Row,
  SCAN_TIMEOUT_MS,
  textOf,
  unexpected,
} from './database.ts';
import { VOTE_STATES } from './schema.ts';

/** A page's place between two rows: the id, then 0 for a vote or the arrival of an excluded event. */
const CURSOR = /^([0-9a-f]{32})\.(\d{1,15})$/;

const PROGRESS = 'SELECT * FROM progress WHERE partition = $1';
const EVENT = `id, accepted_at, "offset", partition, state, scope, item, lane`;

/** The questions of the ledger port. Each is answered from one unchanging view of the tables. */
export type LedgerReader = Pick<
  Ledger,
  'read' | 'checkpoint' | 'find' | 'windows' | 'books' | 'events' | 'recount'
>;

export class PostgresLedgerReader implements LedgerReader {
  readonly #database: PostgresDatabase;

  constructor(database: PostgresDatabase) {
    this.#database = database;
  }

  async read(partition: number): Promise<PartitionCounts> {
    return this.#database.snapshot(async (client) => {
      const counts = await ask(
        client,
        `SELECT scope, item, lane, minute, count FROM minute_count JOIN key USING (key)
         WHERE partition = $1 AND count <> 0`,
        partition,
      );
      return { ...(await positionAndBooks(client, partition)), counts: counts.map(countOf) };
    });
  }

  async find(id: string): Promise<LedgerEvent | null> {
    const rows = await this.#database.rows(
      `(SELECT 0 AS arrival, ${EVENT} FROM vote JOIN key USING (key) WHERE id = $1)
       UNION ALL
       (SELECT arrival, ${EVENT} FROM excluded JOIN key USING (key) WHERE id = $1
        ORDER BY arrival LIMIT 1)
       ORDER BY arrival LIMIT 1`,
      [id],
    );
    return rows[0] === undefined ? null : eventOf(rows[0]);
  }

  async windows(
    scope: string,
    fromMinute: number,
    toMinute: number,
  ): Promise<readonly MinuteCount[]> {
    const rows = await this.#database.rows(
      `SELECT scope, item, lane, minute, sum(count)::bigint AS count
       FROM key JOIN minute_count USING (key)
       WHERE scope = $1 AND minute >= $2 AND minute < $3
       GROUP BY minute, scope, item, lane HAVING sum(count) <> 0
       ORDER BY minute, item, lane DESC`,
      [scope, fromMinute, toMinute],
    );
    return rows.map(countOf);
  }

  async books(scope: string): Promise<Books> {
    const [row] = await this.#database.rows(
      `SELECT $1::text AS scope, coalesce(sum(logged), 0)::bigint AS logged,
         coalesce(sum(counted), 0)::bigint AS counted,
         coalesce(sum(duplicate), 0)::bigint AS duplicate,
         coalesce(sum(expired), 0)::bigint AS expired,
         coalesce(sum(late), 0)::bigint AS late, coalesce(sum(voided), 0)::bigint AS voided
       FROM book WHERE scope = $1`,
      [scope],
    );
    return booksOf(row ?? {});
  }

  async events(scope: string, cursor: string | null, limit: number): Promise<EventPage> {
    const after = cursor === null ? null : placeOf(cursor);
    return this.#database.snapshot(async (client) => {
      const [span] = await ask(
        client,
        `SELECT min(first_id_time) AS first, max(last_id_time) AS last, array_agg(key) AS keys
         FROM key_span JOIN key USING (key) WHERE scope = $1`,
        scope,
      );
      if (!Array.isArray(span?.keys)) return { events: [], nextCursor: null };
      const start = after ?? { id: idAt(numberOf(span.first), '0'), arrival: -1 };
      const end = idAt(numberOf(span.last), 'f');
      // Any plan but the walk along the primary keys would sort the whole poll for every page.
      await client.query('SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off');
      const values = [start.id, start.arrival, end, span.keys.map(String), limit + 1];
      const votes = await ask(
        client,
        `SELECT 0 AS arrival, ${EVENT} FROM (
           SELECT * FROM vote
           WHERE id >= $1 AND (id > $1 OR $2::bigint < 0) AND id <= $3
             AND key = ANY ($4::integer[])
           ORDER BY id LIMIT $5
         ) page JOIN key USING (key)`,
        ...values,
      );
      const excluded = await ask(
        client,
        `SELECT arrival, ${EVENT} FROM (
           SELECT * FROM excluded
           WHERE (id, arrival) > ($1, $2::bigint) AND id <= $3 AND key = ANY ($4::integer[])
           ORDER BY id, arrival LIMIT $5
         ) page JOIN key USING (key)`,
        ...values,
      );
      const rows = [...votes, ...excluded].map((row) => ({ row, cursor: cursorOf(row) }));
      rows.sort((a, b) => (a.cursor < b.cursor ? -1 : 1));
      const page = rows.slice(0, limit);
      return {
        events: page.map(({ row }) => eventOf(row)),
        nextCursor: rows.length > limit ? (page.at(-1)?.cursor ?? cursor) : null,
      };
    });
  }

  async checkpoint(partition: number): Promise<Checkpoint> {
    const [row] = await this.#database.rows(PROGRESS, [partition]);
    return row === undefined ? START : checkpointOf(row);
  }

  async recount(partition: number): Promise<PartitionCounts> {
    return this.#database.run(async (client) => {
      // Before the snapshot: one that is older than a TRUNCATE would miss rows and their counts alike.
      await ask(client, 'SELECT pg_advisory_lock_shared(rows_lock($1))', partition);
      const counts = await inSnapshot(client, () => recountRows(client, partition));
      await ask(client, 'SELECT pg_advisory_unlock_shared(rows_lock($1))', partition);
      return counts;
    }, SCAN_TIMEOUT_MS);
  }
}

async function recountRows(client: PoolClient, partition: number): Promise<PartitionCounts> {
  const { checkpoint, books } = await positionAndBooks(client, partition);
  const recount = new Recount();
  // Duplicates leave no row: the books alone know of them.
  for (const { scope, duplicate } of books) recount.book(scope, 'duplicate', duplicate);
  const excluded = await ask(
    client,
    `SELECT scope, state, sum(rows)::bigint AS rows FROM (
       SELECT key, state, count(*) AS rows FROM excluded WHERE partition = $1 GROUP BY key, state
       UNION ALL
       SELECT key, state, rows FROM forgotten
       WHERE partition = $1 AND state NOT IN (${VOTE_STATES.counted}, ${VOTE_STATES.voided})
     ) groups JOIN key USING (key) GROUP BY scope, state`,
    partition,
  );
  for (const row of excluded) {
    recount.book(textOf(row.scope), stateOf({ ...row, arrival: 1 }), numberOf(row.rows));
  }
  const votes = await ask(
    client,
    `SELECT scope, item, lane, minute, 0 AS arrival, state, rows FROM (
       SELECT key, accepted_at / 60000 AS minute, state, count(*) AS rows
       FROM vote WHERE partition = $1 GROUP BY 1, 2, 3
       UNION ALL
       SELECT key, minute, state, rows FROM forgotten
       WHERE partition = $1 AND state IN (${VOTE_STATES.counted}, ${VOTE_STATES.voided})
     ) groups JOIN key USING (key)`,
    partition,
  );
  for (const row of votes) recount.votes(row);
  return { checkpoint, ...recount.result() };
}

async function ask(
  client: PoolClient,
  text: string,
  ...values: readonly Parameter[]
): Promise<readonly Row[]> {
  return (await client.query<Row>(text, [...values])).rows;
}

async function positionAndBooks(
  client: PoolClient,
  partition: number,
): Promise<Pick<PartitionCounts, 'checkpoint' | 'books'>> {
  const [progress] = await ask(client, PROGRESS, partition);
  const books = await ask(client, 'SELECT * FROM book WHERE partition = $1', partition);
  return {
    checkpoint: progress === undefined ? START : checkpointOf(progress),
    books: books.map(booksOf),
  };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Adds groups of rows up to counts and books. */
class Recount {
  readonly #counts = new Map<string, Mutable<MinuteCount>>();
  readonly #books = new Map<string, Mutable<Books>>();

  votes(row: Row): void {
    const key = keyOf(row);
    const rows = numberOf(row.rows);
    const state = stateOf(row);
    this.book(key.scope, state, rows);
    if (state === 'voided') return;
    const minute = numberOf(row.minute);
    const name = `${minute} ${key.lane} ${key.scope.length} ${key.scope} ${key.item}`;
    const total = this.#counts.get(name) ?? { ...key, minute, count: 0 };
    total.count += rows;
    this.#counts.set(name, total);
  }

  book(scope: string, book: LedgerEventState | 'duplicate', rows: number): void {
    const nothing = { logged: 0, counted: 0, duplicate: 0, expired: 0, late: 0, voided: 0 };
    const books = this.#books.get(scope) ?? { scope, ...nothing };
    books[book] += rows;
    books.logged += rows;
    this.#books.set(scope, books);
  }

  result(): Pick<PartitionCounts, 'counts' | 'books'> {
    const counts = [...this.#counts.values()].filter(({ count }) => count !== 0);
    return { counts, books: [...this.#books.values()] };
  }
}

export function checkpointOf(row: Row): Checkpoint {
  return {
    nextOffset: numberOf(row.next_offset),
    logTime: numberOf(row.log_time),
    windowStartOffset: numberOf(row.window_start_offset),
    lastBlockCrc: numberOf(row.last_block_crc),
  };
}

export function keyOf(row: Row): EventKey {
  const lane = LANES.find((one) => one === row.lane);
  if (lane === undefined) throw unexpected(row.lane);
  return { scope: textOf(row.scope), item: textOf(row.item), lane };
}

/** A uuid as the ports write ids: 32 hex digits. */
export function idOf(value: unknown): string {
  return textOf(value).replaceAll('-', '');
}

function countOf(row: Row): MinuteCount {
  return { ...keyOf(row), minute: numberOf(row.minute), count: numberOf(row.count) };
}

function booksOf(row: Row): Books {
  return {
    scope: textOf(row.scope),
    logged: numberOf(row.logged),
    counted: numberOf(row.counted),
    duplicate: numberOf(row.duplicate),
    expired: numberOf(row.expired),
    late: numberOf(row.late),
    voided: numberOf(row.voided),
  };
}

function eventOf(row: Row): LedgerEvent {
  return {
    id: idOf(row.id),
    ...keyOf(row),
    acceptedAt: numberOf(row.accepted_at),
    state: stateOf(row),
    partition: numberOf(row.partition),
    offset: numberOf(row.offset),
  };
}

const OF_VOTES = ['counted', 'voided'] as const;
const OF_EXCLUDED = ['late', 'expired'] as const;

/** A vote, which has no arrival, is in other states than an excluded event. */
function stateOf(row: Row): LedgerEventState {
  const possible = numberOf(row.arrival) === 0 ? OF_VOTES : OF_EXCLUDED;
  const state = possible.find((one) => VOTE_STATES[one] === row.state);
  if (state === undefined) throw unexpected(`an event of state ${row.state}`);
  return state;
}

/** The first or the last id of a millisecond. */
function idAt(ms: number, digit: '0' | 'f'): string {
  return ms.toString(16).padStart(12, '0').padEnd(32, digit);
}

/** Sorts as text in the order of the rows. */
function cursorOf(row: Row): string {
  return `${idOf(row.id)}.${String(numberOf(row.arrival)).padStart(15, '0')}`;
}

function placeOf(cursor: string): { readonly id: string; readonly arrival: number } {
  const [, id, arrival] = CURSOR.exec(cursor) ?? [];
  if (id === undefined) throw new ApuraError('invalid_query', 'The cursor is not one of a page.');
  return { id, arrival: Number(arrival) };
}
