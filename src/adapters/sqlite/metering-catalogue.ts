/** The metering catalogue in one SQLite file, flushed with every change. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import {
  decodeLogSettings,
  encodeLogSettings,
  type LogSettings,
} from '../../domain/counting/log-settings.ts';
import { ApuraError } from '../../domain/errors.ts';
import type {
  EntryChange,
  EntryKind,
  MeteringAct,
  MeteringActPage,
  MeteringCatalogue,
  StoredEntry,
} from '../../ports/metering-catalogue.ts';
import {
  applySchema,
  openSqliteReader,
  openSqliteWriter,
  readMeta,
  readNumber,
  type StoreSchema,
  snapshot,
  transaction,
  writeMeta,
} from './database.ts';
import { numberOf, oneOf, type Row, textOf, textOrNull } from './row-values.ts';

/** The file's usual name in a data folder. */
export const METERING_CATALOGUE_FILE = 'metering-catalogue.db';

const ENTRY_KINDS = ['product', 'price', 'contract', 'threshold', 'api_key'] as const;

/** `entry` holds every version; what was promised to a customer must be found as it was then. */
const SCHEMA: StoreSchema = {
  kind: 'metering catalogue',
  version: 1,
  sql: `
    CREATE TABLE entry (
      kind TEXT NOT NULL,
      id TEXT NOT NULL,
      version INTEGER NOT NULL,
      tenant TEXT,
      body TEXT NOT NULL,
      PRIMARY KEY (kind, id, version)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE revision (value INTEGER NOT NULL) STRICT;
    INSERT INTO revision VALUES (0);
    CREATE TABLE act (
      position INTEGER PRIMARY KEY AUTOINCREMENT,
      at INTEGER NOT NULL,
      actor TEXT NOT NULL,
      act TEXT NOT NULL,
      kind TEXT NOT NULL,
      id TEXT NOT NULL,
      tenant TEXT,
      detail TEXT
    ) STRICT;
    CREATE INDEX act_by_tenant ON act (tenant, position);
    ${['entry', 'act']
      .map(
        (table) => `
    CREATE TRIGGER ${table}_stays BEFORE UPDATE ON ${table}
      BEGIN SELECT RAISE(ABORT, 'an ${table} is never changed'); END;
    CREATE TRIGGER ${table}_is_kept BEFORE DELETE ON ${table}
      BEGIN SELECT RAISE(ABORT, 'an ${table} is never deleted'); END;`,
      )
      .join('')}
  `,
};

export class SqliteMeteringCatalogue implements MeteringCatalogue {
  readonly #database: DatabaseSync;

  /**
   * Opens the file for reading and writing, making it where there is none. `readOnly`: for questions
   * alone, on a connection of its own.
   *
   * @throws ApuraError `durability_refused`: the storage does not keep a flushed commit.
   * @throws ApuraError `store_corrupt`: the file is something else, or of another version.
   */
  constructor({ path, readOnly }: { readonly path: string; readonly readOnly?: true }) {
    this.#database = readOnly
      ? openSqliteReader(path, SCHEMA)
      : openSqliteWriter({ path, synchronous: 'FULL' });
    try {
      if (!readOnly) applySchema(this.#database, SCHEMA);
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  async mintLogSettings(
    log: 'resource-consumption' | 'resource-usage',
    proposal: LogSettings,
  ): Promise<LogSettings> {
    return transaction(this.#database, () => {
      const name = `logSettings ${log}`;
      const stored = readMeta(this.#database, name);
      if (stored !== null) return decodeLogSettings(stored);
      writeMeta(this.#database, name, encodeLogSettings(proposal));
      return proposal;
    });
  }

  async logSettings(log: 'resource-consumption' | 'resource-usage'): Promise<LogSettings | null> {
    const stored = readMeta(this.#database, `logSettings ${log}`);
    return stored === null ? null : decodeLogSettings(stored);
  }

  async put<Kind extends EntryKind>(change: EntryChange<Kind>): Promise<'stored' | 'conflict'> {
    const { kind, id, tenant, expectedVersion, expectedRevision, body, act } = change;
    return transaction(this.#database, () => {
      const newest = 'SELECT coalesce(max(version), 0) FROM entry WHERE kind = ? AND id = ?';
      if (readNumber(this.#database, newest, kind, id) !== expectedVersion) return 'conflict';
      if (expectedRevision !== null && expectedRevision !== this.#revision()) return 'conflict';
      this.#run(
        'INSERT INTO entry VALUES (?, ?, ?, ?, ?)',
        kind,
        id,
        expectedVersion + 1,
        tenant,
        body,
      );
      this.#run('UPDATE revision SET value = value + 1');
      this.#insertAct(act);
      return 'stored';
    });
  }

  async revision(): Promise<number> {
    return this.#revision();
  }

  async entries(): Promise<{ revision: number; entries: readonly StoredEntry[] }> {
    return snapshot(this.#database, () => ({
      revision: this.#revision(),
      entries: this.#all(
        `SELECT * FROM entry AS one
         WHERE version = (SELECT max(version) FROM entry WHERE kind = one.kind AND id = one.id)
         ORDER BY kind, id`,
      ).map(entryOf),
    }));
  }

  async history(kind: EntryKind, id: string): Promise<readonly StoredEntry[]> {
    const sql = 'SELECT * FROM entry WHERE kind = ? AND id = ? ORDER BY version DESC';
    return this.#all(sql, kind, id).map(entryOf);
  }

  async recordAct(act: MeteringAct): Promise<void> {
    this.#insertAct(act);
  }

  async acts(
    tenant: string | null,
    cursor: string | null,
    limit: number,
  ): Promise<MeteringActPage> {
    const rows = this.#all(
      `SELECT * FROM act WHERE position < ? ${tenant === null ? '' : 'AND tenant = ?'}
       ORDER BY position DESC LIMIT ?`,
      cursor === null ? Number.MAX_SAFE_INTEGER : positionOf(cursor),
      ...(tenant === null ? [] : [tenant]),
      limit + 1,
    );
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    const hasMore = last !== undefined && rows.length > limit;
    return { acts: shown.map(actOf), nextCursor: hasMore ? String(last.position) : null };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#database.isOpen) this.#database.close();
  }

  #revision(): number {
    return readNumber(this.#database, 'SELECT value FROM revision');
  }

  #insertAct({ at, actor, act, kind, id, tenant, detail }: MeteringAct): void {
    this.#run(
      'INSERT INTO act (at, actor, act, kind, id, tenant, detail) VALUES (?, ?, ?, ?, ?, ?, ?)',
      ...[at, actor, act, kind, id, tenant, detail],
    );
  }

  #all(sql: string, ...parameters: SQLInputValue[]): Row[] {
    return this.#database.prepare(sql).all(...parameters);
  }

  #run(sql: string, ...parameters: SQLInputValue[]): void {
    this.#database.prepare(sql).run(...parameters);
  }
}

function entryOf(row: Row): StoredEntry {
  return {
    kind: oneOf(ENTRY_KINDS, row.kind),
    id: textOf(row.id),
    tenant: textOrNull(row.tenant),
    version: numberOf(row.version),
    body: textOf(row.body),
  };
}

function actOf(row: Row): MeteringAct {
  return {
    at: numberOf(row.at),
    actor: textOf(row.actor),
    act: textOf(row.act),
    kind: textOf(row.kind),
    id: textOf(row.id),
    tenant: textOrNull(row.tenant),
    detail: textOrNull(row.detail),
  };
}

function positionOf(cursor: string): number {
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw new ApuraError('invalid_query', 'The cursor is not one of a list of acts.');
}
