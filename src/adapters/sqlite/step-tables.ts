/**
 * The tables of a store that moves by fenced steps, in the tally's file and in the ledger's: who owns
 * each partition, how far it is, its counts, books, closes and acts. The caller holds the transaction.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Checkpoint } from '../../domain/counting/checkpoint.ts';
import type { EventKey } from '../../domain/counting/key.ts';
import { LANES } from '../../domain/counting/lane.ts';
import type {
  ActMark,
  Books,
  CloseMark,
  CommitOutcome,
  MinuteCount,
  PartitionCounts,
  StepBase,
  Takeover,
} from '../../ports/store-step.ts';
import { PROGRESS_TABLE, ProgressTable } from './progress-table.ts';
import { hexOf, numberOf, oneOf, type Row, textOf } from './row-values.ts';

/** `key` gives each (scope, item, lane) a small number, which millions of rows then carry. */
export const STEP_TABLES = `
  ${PROGRESS_TABLE}
  CREATE TABLE key (
    key INTEGER PRIMARY KEY,
    scope TEXT NOT NULL,
    item TEXT NOT NULL,
    lane TEXT NOT NULL,
    UNIQUE (scope, item, lane)
  ) STRICT;
  CREATE TABLE minute_count (
    key INTEGER NOT NULL,
    minute INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (key, minute, partition)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE book (
    partition INTEGER NOT NULL,
    scope TEXT NOT NULL,
    logged INTEGER NOT NULL,
    counted INTEGER NOT NULL,
    duplicate INTEGER NOT NULL,
    expired INTEGER NOT NULL,
    late INTEGER NOT NULL,
    voided INTEGER NOT NULL,
    PRIMARY KEY (partition, scope)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE close (
    partition INTEGER NOT NULL,
    scope TEXT NOT NULL,
    "offset" INTEGER NOT NULL,
    PRIMARY KEY (partition, scope)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE act (
    sequence INTEGER PRIMARY KEY,
    partition INTEGER NOT NULL,
    kind TEXT NOT NULL,
    act_id TEXT NOT NULL,
    target BLOB NOT NULL,
    key INTEGER NOT NULL,
    minute INTEGER NOT NULL,
    UNIQUE (partition, act_id, target)
  ) STRICT;
`;

const CONTENT_TABLES = ['minute_count', 'book', 'close', 'act'];

export class StepTables {
  readonly #database: DatabaseSync;
  readonly #progress: ProgressTable;
  readonly #addKey: StatementSync;
  readonly #findKey: StatementSync;
  readonly #addCount: StatementSync;
  readonly #addBooks: StatementSync;
  readonly #addClose: StatementSync;
  readonly #addAct: StatementSync;
  readonly #counts: StatementSync;
  readonly #books: StatementSync;
  readonly #closes: StatementSync;
  readonly #acts: StatementSync;
  readonly #keys = new Map<string, number>();

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#progress = new ProgressTable(database);
    this.#addKey = database.prepare(
      'INSERT INTO key (scope, item, lane) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    );
    this.#findKey = database.prepare(
      'SELECT key FROM key WHERE scope = ? AND item = ? AND lane = ?',
    );
    this.#addCount = database.prepare(`
      INSERT INTO minute_count (partition, key, minute, count) VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET count = count + excluded.count`);
    this.#addBooks = database.prepare(`
      INSERT INTO book VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET
        logged = logged + excluded.logged, counted = counted + excluded.counted,
        duplicate = duplicate + excluded.duplicate, expired = expired + excluded.expired,
        late = late + excluded.late, voided = voided + excluded.voided`);
    // The first close of a scope stands: what it made late stays late.
    this.#addClose = database.prepare(`
      INSERT INTO close VALUES (?, ?, ?)
      ON CONFLICT DO UPDATE SET "offset" = min("offset", excluded."offset")`);
    this.#addAct = database.prepare(`
      INSERT INTO act (partition, kind, act_id, target, key, minute) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT DO NOTHING`);
    this.#counts = database.prepare(`
      SELECT scope, item, lane, minute, count FROM minute_count JOIN key USING (key)
      WHERE partition = ? AND count <> 0`);
    this.#books = database.prepare(`
      SELECT scope, logged, counted, duplicate, expired, late, voided
      FROM book WHERE partition = ?`);
    this.#closes = database.prepare('SELECT scope, "offset" FROM close WHERE partition = ?');
    this.#acts = database.prepare(`
      SELECT kind, act_id, target, scope, item, lane, minute FROM act JOIN key USING (key)
      WHERE partition = ? ORDER BY sequence`);
  }

  takeOver(partition: number): Takeover {
    return {
      epoch: this.#progress.raiseEpoch(partition),
      checkpoint: this.checkpoint(partition),
      closes: this.#closes.all(partition).map(closeOf),
      acts: this.#acts.all(partition).map(actOf),
    };
  }

  /** What becomes of the step. Only `applied` is still to be done, by `apply`. */
  judge(step: StepBase): CommitOutcome {
    return this.#progress.judge(step);
  }

  /** Adds the step. Returns the acts that were new. */
  apply(step: StepBase): readonly ActMark[] {
    this.#progress.moveTo(step.partition, step.checkpoint);
    return this.#add(step.partition, step);
  }

  /** Puts other content in place of the partition's. Its owner is fenced. */
  replace(partition: number, content: PartitionCounts & Pick<StepBase, 'closes' | 'acts'>): void {
    this.#progress.raiseEpoch(partition);
    for (const table of CONTENT_TABLES) {
      this.#database.prepare(`DELETE FROM ${table} WHERE partition = ?`).run(partition);
    }
    this.#progress.moveTo(partition, content.checkpoint);
    this.#add(partition, content);
  }

  checkpoint(partition: number): Checkpoint {
    return this.#progress.checkpoint(partition);
  }

  read(partition: number): PartitionCounts {
    return {
      checkpoint: this.checkpoint(partition),
      counts: this.#counts.all(partition).map(countOf),
      books: this.#books.all(partition).map(booksOf),
    };
  }

  /** The key's number; it gets one where it has none. */
  keyNumber({ scope, item, lane }: EventKey): number {
    const name = `${lane} ${scope.length} ${scope} ${item}`;
    const known = this.#keys.get(name);
    if (known !== undefined) return known;
    this.#addKey.run(scope, item, lane);
    const number = numberOf(this.#findKey.get(scope, item, lane)?.key);
    this.#keys.set(name, number);
    return number;
  }

  /** To be called when a transaction was undone: keys that it numbered are gone again. */
  forgetKeys(): void {
    this.#keys.clear();
  }

  #add(
    partition: number,
    content: Pick<StepBase, 'counts' | 'books' | 'closes' | 'acts'>,
  ): readonly ActMark[] {
    for (const entry of content.counts) {
      this.#addCount.run(partition, this.keyNumber(entry), entry.minute, entry.count);
    }
    for (const { scope, logged, counted, duplicate, expired, late, voided } of content.books) {
      const sums = [logged, counted, duplicate, expired, late, voided];
      this.#addBooks.run(partition, scope, ...sums);
    }
    for (const { scope, offset } of content.closes) this.#addClose.run(partition, scope, offset);
    return content.acts.filter((act) => {
      const { kind, actId, minute } = act;
      const target = Buffer.from(act.target, 'hex');
      const key = this.keyNumber(act);
      return this.#addAct.run(partition, kind, actId, target, key, minute).changes === 1;
    });
  }
}

export function countOf(row: Row): MinuteCount {
  return { ...keyOf(row), minute: numberOf(row.minute), count: numberOf(row.count) };
}

export function booksOf(row: Row): Books {
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

function closeOf(row: Row): CloseMark {
  return { scope: textOf(row.scope), offset: numberOf(row.offset) };
}

function actOf(row: Row): ActMark {
  return {
    kind: oneOf(['void', 'restore'], row.kind),
    actId: textOf(row.act_id),
    target: hexOf(row.target),
    ...keyOf(row),
    minute: numberOf(row.minute),
  };
}

export function keyOf(row: Row): EventKey {
  return { scope: textOf(row.scope), item: textOf(row.item), lane: oneOf(LANES, row.lane) };
}
