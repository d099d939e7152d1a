/** What can be asked of the ledger on SQLite, on any connection: the writer's or a reader's own. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Checkpoint } from '../../domain/counting/checkpoint.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { EventPage, Ledger, LedgerEvent, LedgerEventState } from '../../ports/ledger.ts';
import type { Books, MinuteCount, PartitionCounts } from '../../ports/store-step.ts';
import { type StoreSchema, snapshot } from './database.ts';
import { hexOf, numberOf, type Row, textOf } from './row-values.ts';
import { booksOf, countOf, keyOf, STEP_TABLES, StepTables } from './step-tables.ts';

export const VOTE_COUNTED = 0;
export const VOTE_VOIDED = 1;

/**
 * `vote` is the big table: one row an event, ordered by id and so nearly by time, without a second
 * index, which would double what every vote writes. `excluded` takes the rare late and expired
 * events, of which one id may have many. `key_span` says between which id times a key's events lie,
 * so that a small poll's events are found without reading a large one's.
 */
export const LEDGER_SCHEMA: StoreSchema = {
  kind: 'ledger',
  version: 1,
  sql: `${STEP_TABLES}
    CREATE TABLE vote (
      id BLOB PRIMARY KEY,
      key INTEGER NOT NULL,
      accepted_at INTEGER NOT NULL,
      partition INTEGER NOT NULL,
      "offset" INTEGER NOT NULL,
      state INTEGER NOT NULL -- ${VOTE_COUNTED}: counted, ${VOTE_VOIDED}: voided
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE excluded (
      arrival INTEGER PRIMARY KEY,
      id BLOB NOT NULL,
      key INTEGER NOT NULL,
      accepted_at INTEGER NOT NULL,
      partition INTEGER NOT NULL,
      "offset" INTEGER NOT NULL,
      state TEXT NOT NULL -- late, expired
    ) STRICT;
    CREATE INDEX excluded_by_id ON excluded (id);
    CREATE TABLE key_span (
      key INTEGER PRIMARY KEY,
      first_id_time INTEGER NOT NULL,
      last_id_time INTEGER NOT NULL
    ) STRICT;
  `,
};

/**
 * Counts of the rows that retention has taken away, and up to when it did. Made where it is missing:
 * a file that never forgot anything is the same with and without it.
 */
export const FORGOTTEN_TABLES = `
  CREATE TABLE IF NOT EXISTS forgotten (
    partition INTEGER NOT NULL,
    key INTEGER NOT NULL,
    minute INTEGER NOT NULL,
    state NOT NULL, -- as in vote and excluded
    rows INTEGER NOT NULL,
    PRIMARY KEY (partition, key, minute, state)
  ) WITHOUT ROWID;
`;

/** Votes that a recount groups at a time: in memory, where one GROUP BY over all would sort on disk. */
const RECOUNT_CHUNK = 10_000;

/** A page's place between two rows: the id, then 0 for a vote or the arrival of an excluded event. */
const CURSOR = /^([0-9a-f]{32})\.(\d{1,15})$/;

interface Place {
  readonly id: Uint8Array;
  readonly arrival: number;
}

/** The questions of the ledger port. Each is answered from one unchanging view of the file. */
export type LedgerReader = Pick<
  Ledger,
  'read' | 'checkpoint' | 'find' | 'windows' | 'books' | 'events' | 'recount'
> &
  AsyncDisposable;

export class SqliteLedgerReader implements LedgerReader {
  readonly #database: DatabaseSync;
  readonly #tables: StepTables;
  readonly #vote: StatementSync;
  readonly #excluded: StatementSync;
  readonly #windows: StatementSync;
  readonly #scopeBooks: StatementSync;
  readonly #span: StatementSync;
  readonly #votePage: StatementSync;
  readonly #excludedPage: StatementSync;
  readonly #recountVotes: StatementSync;
  readonly #recountExcluded: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#tables = new StepTables(database);
    this.#vote = database.prepare('SELECT * FROM vote JOIN key USING (key) WHERE id = ?');
    this.#excluded = database.prepare(
      'SELECT * FROM excluded JOIN key USING (key) WHERE id = ? ORDER BY arrival LIMIT 1',
    );
    this.#windows = database.prepare(`
      SELECT scope, item, lane, minute, sum(count) AS count
      FROM key JOIN minute_count USING (key)
      WHERE scope = ? AND minute >= ? AND minute < ?
      GROUP BY minute, item, lane HAVING sum(count) <> 0
      ORDER BY minute, item, lane DESC`);
    this.#scopeBooks = database.prepare(`
      SELECT ?1 AS scope, coalesce(sum(logged), 0) AS logged, coalesce(sum(counted), 0) AS counted,
        coalesce(sum(duplicate), 0) AS duplicate, coalesce(sum(expired), 0) AS expired,
        coalesce(sum(late), 0) AS late, coalesce(sum(voided), 0) AS voided
      FROM book WHERE scope = ?1`);
    this.#span = database.prepare(`
      SELECT min(first_id_time) AS first, max(last_id_time) AS last
      FROM key_span JOIN key USING (key) WHERE scope = ?`);
    // CROSS JOIN keeps SQLite on the order of ids: any other plan would sort the whole poll.
    this.#votePage = database.prepare(`
      SELECT vote.*, scope, item, lane FROM vote CROSS JOIN key USING (key)
      WHERE id > ? AND id < ? AND scope = ? ORDER BY id LIMIT ?`);
    this.#excludedPage = database.prepare(`
      SELECT excluded.*, scope, item, lane FROM excluded CROSS JOIN key USING (key)
      WHERE (id, arrival) > (?, ?) AND id < ? AND scope = ? ORDER BY id, arrival LIMIT ?`);
    this.#recountVotes = database.prepare(`
      SELECT scope, item, lane, minute, state, rows, last FROM (
        SELECT key, minute, state, count(*) AS rows, max(id) AS last FROM (
          SELECT id, key, accepted_at / 60000 AS minute, state FROM vote
          WHERE id > ? AND partition = ? ORDER BY id LIMIT ?
        ) GROUP BY key, minute, state
      ) JOIN key USING (key)`);
    this.#recountExcluded = database.prepare(`
      SELECT scope, state, count(*) AS rows FROM excluded JOIN key USING (key)
      WHERE partition = ? GROUP BY scope, state`);
  }

  async read(partition: number): Promise<PartitionCounts> {
    return snapshot(this.#database, () => this.#tables.read(partition));
  }

  /** The position alone, for who need not read the counts. */
  async checkpoint(partition: number): Promise<Checkpoint> {
    return this.#tables.checkpoint(partition);
  }

  async find(id: string): Promise<LedgerEvent | null> {
    const bytes = Buffer.from(id, 'hex');
    return snapshot(this.#database, () => {
      const row = this.#vote.get(bytes) ?? this.#excluded.get(bytes);
      return row === undefined ? null : eventOf(row);
    });
  }

  async windows(
    scope: string,
    fromMinute: number,
    toMinute: number,
  ): Promise<readonly MinuteCount[]> {
    return this.#windows.all(scope, fromMinute, toMinute).map(countOf);
  }

  async books(scope: string): Promise<Books> {
    return booksOf(this.#scopeBooks.get(scope) ?? {});
  }

  async events(scope: string, cursor: string | null, limit: number): Promise<EventPage> {
    return snapshot(this.#database, () => {
      const span = this.#span.get(scope);
      if (typeof span?.first !== 'number' || typeof span.last !== 'number') {
        return { events: [], nextCursor: null };
      }
      const start = { id: idPrefix(span.first), arrival: 0 };
      const after = cursor === null ? start : placeOf(cursor);
      const end = idPrefix(span.last + 1);
      const votes = this.#votePage.all(after.id, end, scope, limit + 1);
      const excluded = this.#excludedPage.all(after.id, after.arrival, end, scope, limit + 1);
      const rows = [...votes, ...excluded].map((row) => ({ row, cursor: cursorOf(row) }));
      rows.sort((a, b) => (a.cursor < b.cursor ? -1 : 1));
      const page = rows.slice(0, limit);
      return {
        events: page.map(({ row }) => eventOf(row)),
        nextCursor: rows.length > limit ? (page.at(-1)?.cursor ?? cursor) : null,
      };
    });
  }

  async recount(partition: number): Promise<PartitionCounts> {
    return snapshot(this.#database, () => {
      const { checkpoint, books } = this.#tables.read(partition);
      const recount = new Recount();
      // Duplicates leave no row: the books alone know of them.
      for (const { scope, duplicate } of books) recount.book(scope, 'duplicate', duplicate);
      for (const row of this.#recountExcluded.iterate(partition)) {
        recount.book(textOf(row.scope), excludedStateOf(row), numberOf(row.rows));
      }
      for (const row of this.#forgotten(partition)) {
        if (typeof row.state === 'number') recount.votes(row, numberOf(row.rows));
        else recount.book(textOf(row.scope), excludedStateOf(row), numberOf(row.rows));
      }
      let after: Uint8Array = new Uint8Array();
      for (let rows = RECOUNT_CHUNK; rows === RECOUNT_CHUNK; ) {
        rows = 0;
        for (const row of this.#recountVotes.all(after, partition, RECOUNT_CHUNK)) {
          const group = numberOf(row.rows);
          recount.votes(row, group);
          rows += group;
          if (row.last instanceof Uint8Array && Buffer.compare(row.last, after) > 0) {
            after = row.last;
          }
        }
      }
      return { checkpoint, ...recount.result() };
    });
  }

  /** The table is looked for each time: a writer may have made it since, or none ever. */
  #forgotten(partition: number): readonly Row[] {
    const table = `SELECT 1 FROM sqlite_schema WHERE name = 'forgotten'`;
    if (this.#database.prepare(table).get() === undefined) return [];
    const rows = 'SELECT * FROM forgotten JOIN key USING (key) WHERE partition = ?';
    return this.#database.prepare(rows).all(partition);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#database.isOpen) this.#database.close();
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Adds groups of rows up to counts and books. */
class Recount {
  readonly #counts = new Map<string, Mutable<MinuteCount>>();
  readonly #books = new Map<string, Mutable<Books>>();

  votes(row: Row, rows: number): void {
    const key = keyOf(row);
    const state = voteStateOf(row);
    this.book(key.scope, state, rows);
    if (state === 'voided') return;
    const minute = numberOf(row.minute);
    const name = `${minute} ${key.lane} ${key.scope.length} ${key.scope} ${key.item}`;
    const total = this.#counts.get(name) ?? { ...key, minute, count: 0 };
    total.count += rows;
    this.#counts.set(name, total);
  }

  book(scope: string, book: Exclude<keyof Books, 'scope' | 'logged'>, rows: number): void {
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

function eventOf(row: Row): LedgerEvent {
  return {
    id: hexOf(row.id),
    ...keyOf(row),
    acceptedAt: numberOf(row.accepted_at),
    state: row.arrival === undefined ? voteStateOf(row) : excludedStateOf(row),
    partition: numberOf(row.partition),
    offset: numberOf(row.offset),
  };
}

function voteStateOf(row: Row): 'counted' | 'voided' {
  if (row.state === VOTE_COUNTED) return 'counted';
  if (row.state === VOTE_VOIDED) return 'voided';
  throw new ApuraError('store_corrupt', `A vote of the ledger has the state ${row.state}.`);
}

function excludedStateOf(row: Row): Extract<LedgerEventState, 'late' | 'expired'> {
  if (row.state === 'late' || row.state === 'expired') return row.state;
  throw new ApuraError('store_corrupt', `An event of the ledger has the state ${row.state}.`);
}

/** Sorts as text in the order of the rows. */
function cursorOf(row: Row): string {
  const arrival = row.arrival === undefined ? 0 : numberOf(row.arrival);
  return `${hexOf(row.id)}.${String(arrival).padStart(15, '0')}`;
}

function placeOf(cursor: string): Place {
  const [, id, arrival] = CURSOR.exec(cursor) ?? [];
  if (id === undefined) throw new ApuraError('invalid_query', 'The cursor is not one of a page.');
  return { id: Buffer.from(id, 'hex'), arrival: Number(arrival) };
}

/** The first six bytes of every id of this time: above all earlier ids, below all of its own. */
function idPrefix(time: number): Uint8Array {
  const prefix = Buffer.alloc(6);
  prefix.writeUIntBE(time, 0, 6);
  return prefix;
}
