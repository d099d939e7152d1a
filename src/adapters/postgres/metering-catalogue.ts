/** The metering catalogue on Postgres, in the schema of the pulse ledger and the rating book. */
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
  numberOf,
  openPostgres,
  orNull,
  type PostgresDatabase,
  type PostgresOptions,
  type Row,
  textOf,
  unexpected,
} from './database.ts';

const ENTRY_KINDS = ['product', 'price', 'contract', 'threshold', 'api_key'] as const;
const LOG_SETTINGS = 'SELECT settings FROM metering_log WHERE name = $1';
const REVISION = 'SELECT revision FROM metering_revision';

/**
 * Connects and brings the schema up to date.
 *
 * @throws ApuraError `durability_refused`: the server does not keep what it has committed.
 * @throws ApuraError `store_corrupt`: the schema is not ours, or of a newer version.
 * @throws ApuraError `store_unavailable`: nobody answers at the address, or lets us in.
 */
export async function openPostgresMeteringCatalogue(
  options: PostgresOptions,
): Promise<MeteringCatalogue> {
  return new PostgresMeteringCatalogue(await openPostgres(options));
}

class PostgresMeteringCatalogue implements MeteringCatalogue {
  readonly #database: PostgresDatabase;

  constructor(database: PostgresDatabase) {
    this.#database = database;
  }

  async mintLogSettings(
    log: 'resource-consumption' | 'resource-usage',
    proposal: LogSettings,
  ): Promise<LogSettings> {
    const text = 'INSERT INTO metering_log VALUES ($1, $2) ON CONFLICT DO NOTHING';
    await this.#database.rows(text, [log, encodeLogSettings(proposal)]);
    const [row] = await this.#database.rows(LOG_SETTINGS, [log]);
    return decodeLogSettings(textOf(row?.settings));
  }

  async logSettings(log: 'resource-consumption' | 'resource-usage'): Promise<LogSettings | null> {
    const [row] = await this.#database.rows(LOG_SETTINGS, [log]);
    return row === undefined ? null : decodeLogSettings(textOf(row.settings));
  }

  async put<Kind extends EntryKind>(change: EntryChange<Kind>): Promise<'stored' | 'conflict'> {
    const { kind, id, tenant, expectedVersion, expectedRevision, body, act } = change;
    const [row] = await this.#database.rows(
      `SELECT put_metering_entry($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) AS stored`,
      [
        ...[kind, id, tenant, expectedVersion, expectedRevision, body],
        ...[act.at, act.actor, act.act, act.kind, act.id, act.tenant, act.detail],
      ],
    );
    return row?.stored === true ? 'stored' : 'conflict';
  }

  async revision(): Promise<number> {
    const [row] = await this.#database.rows(REVISION);
    return numberOf(row?.revision);
  }

  async entries(): Promise<{
    readonly revision: number;
    readonly entries: readonly StoredEntry[];
  }> {
    return this.#database.snapshot(async (client) => {
      const { rows } = await client.query<Row>(REVISION);
      const newest = await client.query<Row>(
        `SELECT DISTINCT ON (kind, id) * FROM metering_entry ORDER BY kind, id, version DESC`,
      );
      return { revision: numberOf(rows[0]?.revision), entries: newest.rows.map(entryOf) };
    });
  }

  async history(kind: EntryKind, id: string): Promise<readonly StoredEntry[]> {
    const rows = await this.#database.rows(
      'SELECT * FROM metering_entry WHERE kind = $1 AND id = $2 ORDER BY version DESC',
      [kind, id],
    );
    return rows.map(entryOf);
  }

  async recordAct({ at, actor, act, kind, id, tenant, detail }: MeteringAct): Promise<void> {
    await this.#database.rows(
      `INSERT INTO metering_act (at, actor, act, kind, id, tenant, detail)
       VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      [at, actor, act, kind, id, tenant, detail],
    );
  }

  async acts(
    tenant: string | null,
    cursor: string | null,
    limit: number,
  ): Promise<MeteringActPage> {
    const before = cursor === null ? Number.MAX_SAFE_INTEGER : positionOf(cursor);
    const rows = await this.#database.rows(
      `SELECT * FROM metering_act WHERE position < $1 ${tenant === null ? '' : 'AND tenant = $3'}
       ORDER BY position DESC LIMIT $2`,
      [before, limit + 1, ...(tenant === null ? [] : [tenant])],
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

function entryOf(row: Row): StoredEntry {
  const kind = ENTRY_KINDS.find((one) => one === row.kind);
  if (kind === undefined) throw unexpected(`an entry of kind ${row.kind}`);
  return {
    kind,
    id: textOf(row.id),
    tenant: orNull(row.tenant, textOf),
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
    tenant: orNull(row.tenant, textOf),
    detail: orNull(row.detail, textOf),
  };
}

function positionOf(cursor: string): number {
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw new ApuraError('invalid_query', 'The cursor is not one of a list of acts.');
}
