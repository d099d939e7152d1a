/** The catalogue on Postgres, in the schema of the ledger. */
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
  numberOf,
  openPostgres,
  type PostgresDatabase,
  type PostgresOptions,
  type Row,
  textOf,
  unexpected,
} from './database.ts';

/**
 * Connects and brings the schema up to date.
 *
 * @throws ApuraError `durability_refused`: the server does not keep what it has committed.
 * @throws ApuraError `store_corrupt`: the schema is not ours, or of a newer version.
 * @throws ApuraError `store_unavailable`: nobody answers at the address, or lets us in.
 */
export async function openPostgresCatalogue(options: PostgresOptions): Promise<Catalogue> {
  return new PostgresCatalogue(await openPostgres(options));
}

class PostgresCatalogue implements Catalogue {
  readonly #database: PostgresDatabase;

  constructor(database: PostgresDatabase) {
    this.#database = database;
  }

  async mintLogSettings(proposal: LogSettings): Promise<LogSettings> {
    await this.#database.rows(
      'INSERT INTO log (generation, log_id, settings) VALUES (0, $1, $2) ON CONFLICT DO NOTHING',
      [proposal.logId, encodeLogSettings(proposal)],
    );
    const rows = await this.#database.rows('SELECT settings FROM log WHERE generation = 0');
    return decodeLogSettings(textOf(rows[0]?.settings));
  }

  async logs(): Promise<readonly LogSettings[]> {
    const rows = await this.#database.rows('SELECT settings FROM log ORDER BY generation');
    return rows.map(({ settings }) => decodeLogSettings(textOf(settings)));
  }

  async addLog(settings: LogSettings): Promise<'added' | 'known'> {
    const values = [settings.logId, encodeLogSettings(settings)];
    const rows = await this.#database.rows('SELECT add_log($1, $2) AS added', values);
    return rows[0]?.added === true ? 'added' : 'known';
  }

  async putConsistency(report: ConsistencyRecord): Promise<void> {
    await this.#database.rows(
      `INSERT INTO consistency VALUES ($1, $2)
       ON CONFLICT (log_id) DO UPDATE SET body = EXCLUDED.body`,
      [report.logId, encodeConsistency(report)],
    );
  }

  async consistency(logId: string): Promise<ConsistencyRecord | null> {
    const text = 'SELECT body FROM consistency WHERE log_id = $1';
    const [row] = await this.#database.rows(text, [logId]);
    return row === undefined ? null : decodeConsistency(textOf(row.body));
  }

  async now(): Promise<number> {
    const [row] = await this.#database.rows(
      'SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now',
    );
    return numberOf(row?.now);
  }

  async putPoll({ poll, expectedVersion, act, image }: PollChange): Promise<'stored' | 'conflict'> {
    const rows = await this.#database.rows(
      `SELECT put_poll($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) AS stored`,
      [
        ...[poll.id, poll.createdAt, poll.version, encodePoll(poll), expectedVersion],
        ...[act.at, act.actor, act.act, act.poll, act.detail],
        ...[image?.sha256 ?? null, image?.mediaType ?? null],
        ...[image?.width ?? null, image?.height ?? null, image?.bytes ?? null],
      ],
    );
    return rows[0]?.stored === true ? 'stored' : 'conflict';
  }

  async poll(id: string): Promise<Poll | null> {
    const [row] = await this.#database.rows('SELECT body FROM poll WHERE id = $1', [id]);
    return row === undefined ? null : pollOf(row);
  }

  async polls(cursor: string | null, limit: number): Promise<PollPage> {
    const after = cursor === null ? null : placeOf(cursor);
    // One more than asked for: whether there is it tells whether there is a next page.
    const rows = await this.#database.rows(
      `SELECT body FROM poll
       WHERE $1::bigint IS NULL OR created_at < $1 OR (created_at = $1 AND id > $2)
       ORDER BY created_at DESC, id LIMIT $3`,
      [after?.createdAt ?? null, after?.id ?? null, limit + 1],
    );
    const polls = rows.slice(0, limit).map(pollOf);
    const last = polls.at(-1);
    const hasMore = last !== undefined && rows.length > limit;
    return { polls, nextCursor: hasMore ? cursorAt(last) : null };
  }

  async unpublished(): Promise<readonly Poll[]> {
    const rows = await this.#database.rows('SELECT body FROM unpublished ORDER BY position');
    return rows.map(pollOf);
  }

  async markPublished(poll: string, version: number): Promise<void> {
    const text = 'DELETE FROM unpublished WHERE poll = $1 AND version <= $2';
    await this.#database.rows(text, [poll, version]);
  }

  async image(sha256: string): Promise<StoredImage | null> {
    const [row] = await this.#database.rows(
      'SELECT media_type, width, height, bytes FROM image WHERE sha256 = $1',
      [sha256],
    );
    return row === undefined ? null : imageOf(sha256, row);
  }

  async recordAct({ at, actor, act, poll, detail }: OperatorAct): Promise<void> {
    await this.#database.rows(
      'INSERT INTO act (at, actor, act, poll, detail) VALUES ($1, $2, $3, $4, $5)',
      [at, actor, act, poll, detail],
    );
  }

  async acts(poll: string | null, cursor: string | null, limit: number): Promise<ActPage> {
    const before = cursor === null ? Number.MAX_SAFE_INTEGER : positionOf(cursor);
    const rows = await this.#database.rows(
      `SELECT position, at, actor, act, poll, detail FROM act
       WHERE position < $1 ${poll === null ? '' : 'AND poll = $3'}
       ORDER BY position DESC LIMIT $2`,
      [before, limit + 1, ...(poll === null ? [] : [poll])],
    );
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    const hasMore = last !== undefined && rows.length > limit;
    return { acts: shown.map(actOf), nextCursor: hasMore ? String(last.position) : null };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#database[Symbol.asyncDispose]();
  }
}

function pollOf(row: Row): Poll {
  return decodePoll(textOf(row.body));
}

function imageOf(sha256: string, row: Row): StoredImage {
  const { media_type, width, height, bytes } = row;
  const mediaType = IMAGE_MEDIA_TYPES.find((known) => known === media_type);
  if (mediaType === undefined || !(bytes instanceof Uint8Array)) {
    throw unexpected(`an image of type ${media_type}`);
  }
  const size = { width: numberOf(width), height: numberOf(height) };
  return { sha256, mediaType, ...size, bytes: Uint8Array.from(bytes) };
}

function actOf(row: Row): OperatorAct {
  const act = ACT_NAMES.find((name) => name === row.act);
  if (act === undefined) throw unexpected(`an act that is called ${row.act}`);
  return {
    at: numberOf(row.at),
    actor: textOf(row.actor),
    act,
    poll: textOf(row.poll),
    detail: row.detail === null ? null : textOf(row.detail),
  };
}

function positionOf(cursor: string): number {
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw new ApuraError('invalid_query', 'The cursor is not one of a list of acts.');
}
