/** The catalogue in one SQLite file, flushed with every change. */
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import {
  type ConsistencyRecord,
  decodeConsistency,
  encodeConsistency,
} from '../../domain/counting/consistency-record.ts';
import {
  decodeLogSettings,
  encodeLogSettings,
  type LogSettings,
} from '../../domain/counting/log-settings.ts';
import { ApuraError } from '../../domain/errors.ts';
import { IMAGE_MEDIA_TYPES } from '../../domain/voting/image.ts';
import type { Poll } from '../../domain/voting/poll.ts';
import { cursorAt, placeOf } from '../../domain/voting/poll-order.ts';
import { decodePoll, encodePoll } from '../../domain/voting/poll-record.ts';
import {
  ACT_NAMES,
  type ActPage,
  type Catalogue,
  type OperatorAct,
  type PollChange,
  type PollPage,
  type StoredImage,
} from '../../ports/catalogue.ts';
import {
  applySchema,
  openSqliteReader,
  openSqliteWriter,
  readMeta,
  type StoreSchema,
  snapshot,
  transaction,
  writeMeta,
} from './database.ts';

/** The file's usual name in a data folder. */
export const CATALOGUE_FILE = 'catalogue.db';

const SCHEMA: StoreSchema = {
  kind: 'catalogue',
  version: 1,
  sql: `
    CREATE TABLE poll (
      id TEXT PRIMARY KEY,
      created_at INTEGER NOT NULL,
      version INTEGER NOT NULL,
      body TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX poll_by_creation ON poll (created_at DESC, id);
    CREATE TABLE unpublished (
      position INTEGER PRIMARY KEY AUTOINCREMENT,
      poll TEXT NOT NULL,
      version INTEGER NOT NULL,
      body TEXT NOT NULL,
      UNIQUE (poll, version)
    );
    CREATE TABLE image (
      sha256 TEXT PRIMARY KEY,
      media_type TEXT NOT NULL,
      width INTEGER NOT NULL,
      height INTEGER NOT NULL,
      bytes BLOB NOT NULL
    );
    CREATE TABLE act (
      position INTEGER PRIMARY KEY AUTOINCREMENT,
      at INTEGER NOT NULL,
      actor TEXT NOT NULL,
      act TEXT NOT NULL,
      poll TEXT NOT NULL,
      detail TEXT
    );
    CREATE INDEX act_by_poll ON act (poll, position);
    CREATE TRIGGER act_stays BEFORE UPDATE ON act
      BEGIN SELECT RAISE(ABORT, 'an act is never changed'); END;
    CREATE TRIGGER act_is_kept BEFORE DELETE ON act
      BEGIN SELECT RAISE(ABORT, 'an act is never deleted'); END;
  `,
};

type Row = Record<string, SQLOutputValue>;

/** The log's settings as a catalogue file has them, or null; beside a server that is using the file. */
export function readLogSettings(path: string): LogSettings | null {
  const database = openSqliteReader(path, SCHEMA);
  try {
    const stored = readMeta(database, 'logSettings');
    return stored === null ? null : decodeLogSettings(stored);
  } finally {
    database.close();
  }
}

export class SqliteCatalogue implements Catalogue {
  readonly #database: DatabaseSync;

  /**
   * Opens the file for reading and writing, making it where there is none.
   *
   * @throws ApuraError `durability_refused`: the storage does not keep a flushed commit.
   * @throws ApuraError `store_corrupt`: the file is something else, or of another version.
   */
  constructor(options: { readonly path: string }) {
    this.#database = openSqliteWriter({ path: options.path, synchronous: 'FULL' });
    try {
      applySchema(this.#database, SCHEMA);
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  async mintLogSettings(proposal: LogSettings): Promise<LogSettings> {
    return transaction(this.#database, () => {
      const stored = readMeta(this.#database, 'logSettings');
      if (stored !== null) return decodeLogSettings(stored);
      writeMeta(this.#database, 'logSettings', encodeLogSettings(proposal));
      return proposal;
    });
  }

  async logs(): Promise<readonly LogSettings[]> {
    return snapshot(this.#database, () => this.#logs());
  }

  async addLog(settings: LogSettings): Promise<'added' | 'known'> {
    return transaction(this.#database, () => {
      const logs = this.#logs();
      if (logs.some(({ logId }) => logId === settings.logId)) return 'known';
      writeMeta(this.#database, settingsOf(logs.length), encodeLogSettings(settings));
      return 'added';
    });
  }

  async putConsistency(report: ConsistencyRecord): Promise<void> {
    writeMeta(this.#database, consistencyOf(report.logId), encodeConsistency(report));
  }

  async consistency(logId: string): Promise<ConsistencyRecord | null> {
    const stored = readMeta(this.#database, consistencyOf(logId));
    return stored === null ? null : decodeConsistency(stored);
  }

  async now(): Promise<null> {
    return null;
  }

  async putPoll({ poll, expectedVersion, act, image }: PollChange): Promise<'stored' | 'conflict'> {
    return transaction(this.#database, () => {
      const row = this.#get('SELECT version FROM poll WHERE id = ?', poll.id);
      if (Number(row?.version ?? 0) !== expectedVersion) return 'conflict';
      const body = encodePoll(poll);
      this.#run(
        `INSERT INTO poll (id, created_at, version, body) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (id) DO UPDATE SET version = ?3, body = ?4`,
        ...[poll.id, poll.createdAt, poll.version, body],
      );
      this.#run(
        'INSERT INTO unpublished (poll, version, body) VALUES (?, ?, ?)',
        ...[poll.id, poll.version, body],
      );
      this.#insertAct(act);
      if (image !== null) this.#insertImage(image);
      return 'stored';
    });
  }

  async poll(id: string): Promise<Poll | null> {
    const row = this.#get('SELECT body FROM poll WHERE id = ?', id);
    return row === undefined ? null : decodePoll(String(row.body));
  }

  async polls(cursor: string | null, limit: number): Promise<PollPage> {
    const after = cursor === null ? null : placeOf(cursor);
    // One more than asked for: whether there is it tells whether there is a next page.
    const rows = this.#all(
      `SELECT body FROM poll WHERE ?1 IS NULL OR created_at < ?1 OR (created_at = ?1 AND id > ?2)
       ORDER BY created_at DESC, id LIMIT ?3`,
      ...[after?.createdAt ?? null, after?.id ?? null, limit + 1],
    );
    const polls = rows.slice(0, limit).map((row) => decodePoll(String(row.body)));
    const last = polls.at(-1);
    const hasMore = last !== undefined && rows.length > limit;
    return { polls, nextCursor: hasMore ? cursorAt(last) : null };
  }

  async unpublished(): Promise<readonly Poll[]> {
    const rows = this.#all('SELECT body FROM unpublished ORDER BY position');
    return rows.map((row) => decodePoll(String(row.body)));
  }

  async markPublished(poll: string, version: number): Promise<void> {
    this.#run('DELETE FROM unpublished WHERE poll = ? AND version <= ?', poll, version);
  }

  async image(sha256: string): Promise<StoredImage | null> {
    const row = this.#get(
      'SELECT media_type, width, height, bytes FROM image WHERE sha256 = ?',
      sha256,
    );
    return row === undefined ? null : imageOf(sha256, row);
  }

  async recordAct(act: OperatorAct): Promise<void> {
    this.#insertAct(act);
  }

  async acts(poll: string | null, cursor: string | null, limit: number): Promise<ActPage> {
    const rows = this.#all(
      `SELECT position, at, actor, act, poll, detail FROM act
       WHERE position < ?1 ${poll === null ? '' : 'AND poll = ?3'}
       ORDER BY position DESC LIMIT ?2`,
      ...[cursor === null ? Number.MAX_SAFE_INTEGER : positionOf(cursor), limit + 1],
      ...(poll === null ? [] : [poll]),
    );
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    const hasMore = last !== undefined && rows.length > limit;
    return { acts: shown.map(actOf), nextCursor: hasMore ? String(last.position) : null };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#database.isOpen) this.#database.close();
  }

  #logs(): readonly LogSettings[] {
    const logs: LogSettings[] = [];
    for (;;) {
      const stored = readMeta(this.#database, settingsOf(logs.length));
      if (stored === null) return logs;
      logs.push(decodeLogSettings(stored));
    }
  }

  #insertAct({ at, actor, act, poll, detail }: OperatorAct): void {
    this.#run(
      'INSERT INTO act (at, actor, act, poll, detail) VALUES (?, ?, ?, ?, ?)',
      ...[at, actor, act, poll, detail],
    );
  }

  #insertImage({ sha256, mediaType, width, height, bytes }: StoredImage): void {
    this.#run(
      `INSERT INTO image (sha256, media_type, width, height, bytes) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
      ...[sha256, mediaType, width, height, bytes],
    );
  }

  #get(sql: string, ...parameters: Parameter[]): Row | undefined {
    return this.#database.prepare(sql).get(...parameters);
  }

  #all(sql: string, ...parameters: Parameter[]): Row[] {
    return this.#database.prepare(sql).all(...parameters);
  }

  #run(sql: string, ...parameters: Parameter[]): void {
    this.#database.prepare(sql).run(...parameters);
  }
}

type Parameter = string | number | null | Uint8Array;

/** Under which name a generation's settings are kept. */
function settingsOf(generation: number): string {
  return generation === 0 ? 'logSettings' : `logSettings.${generation}`;
}

function consistencyOf(logId: string): string {
  return `consistency ${logId}`;
}

function imageOf(sha256: string, row: Row): StoredImage {
  const { media_type, width, height, bytes } = row;
  const mediaType = IMAGE_MEDIA_TYPES.find((known) => known === media_type);
  if (mediaType === undefined || !(bytes instanceof Uint8Array)) {
    throw new ApuraError('store_corrupt', `The image ${sha256} is not as it was stored.`);
  }
  return { sha256, mediaType, width: Number(width), height: Number(height), bytes };
}

function actOf(row: Row): OperatorAct {
  const act = ACT_NAMES.find((name) => name === row.act);
  if (act === undefined) {
    throw new ApuraError('store_corrupt', `An act is called ${row.act}, which is none.`);
  }
  const { at, actor, poll, detail } = row;
  return {
    at: Number(at),
    actor: String(actor),
    act,
    poll: String(poll),
    detail: detail === null ? null : String(detail),
  };
}

function positionOf(cursor: string): number {
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw new ApuraError('invalid_query', 'The cursor is not one of a list of acts.');
}
