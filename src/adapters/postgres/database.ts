/** Reaches Postgres the one way that Apura trusts: settings read back, schema migrated, waits bounded. */
import { DatabaseError, Pool, type PoolClient, types } from 'pg';
import { ApuraError } from '../../domain/errors.ts';
import { MIGRATIONS } from './schema.ts';

export type Row = Readonly<Record<string, unknown>>;
export type Parameter = string | number | Uint8Array | null | readonly string[];

export interface PostgresOptions {
  /** `postgres://[user:password@]host:port/database`; `?schema=` names the installation (apura). */
  readonly url: string;
  /** How long one request may take before its outcome counts as unknown. */
  readonly requestTimeoutMs?: number;
}

const SCHEMA = 'apura';
const SCHEMA_NAME = /^[a-z_][a-z0-9_]{0,62}$/;
const CONNECTIONS_MAX = 8;
const CONNECT_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
/** The server gives a request up this much before we do, so that we mostly hear how it ended. */
const HEARING_MS = 1_000;
/** For what visits every row of a partition. */
export const SCAN_TIMEOUT_MS = 30 * 60_000;
const MIGRATION_TIMEOUT_MS = 10 * 60_000;
/** "Apur": apart from other users of advisory locks. */
const MIGRATION_LOCK = 0x41707572;
const INT8 = 20;

/**
 * Connects, checks the server's settings, and makes the schema or brings it up to date.
 *
 * @throws ApuraError `invalid_config`: the URL is none, or names a schema that can not be one.
 * @throws ApuraError `durability_refused`: the server does not keep what it has committed.
 * @throws ApuraError `store_corrupt`: the schema is not ours, or of a newer version.
 * @throws ApuraError `store_unavailable`: nobody answers at the address, or lets us in.
 */
export async function openPostgres(
  options: PostgresOptions,
  generation = 0,
): Promise<PostgresDatabase> {
  const { database, schema } = connect(options, generation);
  try {
    await database.run((client) => migrate(client, schema), MIGRATION_TIMEOUT_MS);
    return database;
  } catch (error) {
    await database[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * Makes the installation's schemas or brings them up to date, as every open does by itself. `from` is
 * the lowest version that was found (0: nothing was there), `to` the one that all have now.
 *
 * @throws ApuraError as `openPostgres`.
 */
export async function migratePostgres(
  url: string,
): Promise<{ readonly from: number; readonly to: number }> {
  const found: number[] = [];
  for (let generation = 0, logs = 1; generation < logs; generation += 1) {
    const { database, schema } = connect({ url }, generation);
    await using closing = database;
    found.push(await closing.run((client) => migrate(client, schema), MIGRATION_TIMEOUT_MS));
    if (generation > 0) continue;
    const [row] = await closing.rows('SELECT greatest(1, count(*)) AS logs FROM log');
    logs = numberOf(row?.logs);
  }
  return { from: Math.min(...found), to: MIGRATIONS.length };
}

/** The pool for the schema of one of the installation's logs; the first one's is the catalogue's too. */
function connect(
  options: PostgresOptions,
  generation: number,
): { readonly database: PostgresDatabase; readonly schema: string } {
  const { connectionString, schema } = addressOf(options.url, generation);
  const pool = new Pool({
    connectionString,
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    types: { getTypeParser },
  });
  const database = new PostgresDatabase(
    pool,
    schema,
    options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
  );
  return { database, schema };
}

function addressOf(
  text: string,
  generation: number,
): { readonly connectionString: string; readonly schema: string } {
  const url = URL.parse(text);
  if (url === null) throw new ApuraError('invalid_config', 'The address of Postgres is no URL.');
  const base = url.searchParams.get('schema') ?? SCHEMA;
  const schema = generation === 0 ? base : `${base}_${generation}`;
  if (!SCHEMA_NAME.test(schema)) {
    throw new ApuraError('invalid_config', `${schema} can not be the name of a schema.`);
  }
  url.searchParams.delete('schema');
  return { connectionString: url.href, schema };
}

/** Every bigint of ours is a count, a time or an offset, far below 2^53. */
const getTypeParser: typeof types.getTypeParser = (id, format) =>
  id === INT8 && format !== 'binary' ? numberOf : types.getTypeParser(id, format);

export class PostgresDatabase implements AsyncDisposable {
  readonly #pool: Pool;
  readonly #schema: string;
  readonly #requestTimeoutMs: number;
  /** What each connection that is set up was told last. */
  readonly #serverTimeoutMs = new WeakMap<PoolClient, number>();
  #closing: Promise<void> | null = null;

  constructor(pool: Pool, schema: string, requestTimeoutMs: number) {
    this.#pool = pool;
    this.#schema = schema;
    this.#requestTimeoutMs = requestTimeoutMs;
    // A connection that breaks while idle leaves the pool by itself; the event would end the process.
    pool.on('error', () => {});
  }

  /** One statement, a transaction of its own. */
  async rows(text: string, values: readonly Parameter[] = []): Promise<readonly Row[]> {
    return this.run(async (client) => (await client.query<Row>(text, [...values])).rows);
  }

  /** Answers several statements from one unchanging view. */
  async snapshot<T>(
    work: (client: PoolClient) => Promise<T>,
    timeoutMs = this.#requestTimeoutMs,
  ): Promise<T> {
    return this.run((client) => inSnapshot(client, () => work(client)), timeoutMs);
  }

  /**
   * Lends a connection of its own. One on which anything failed is closed, never used again: it may
   * be in the middle of a COPY or a transaction, or its answer may still be on the way.
   */
  async run<T>(
    work: (client: PoolClient) => Promise<T>,
    timeoutMs = this.#requestTimeoutMs,
  ): Promise<T> {
    let client: PoolClient;
    try {
      client = await this.#pool.connect();
    } catch (cause) {
      throw asStoreError(cause);
    }
    // Every failure ends the race, also where the driver would wait on: a COPY has no time limit.
    const breaks = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => breaks.reject(unavailable(`no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    client.on('error', breaks.reject);
    const working = this.#prepare(client, timeoutMs).then(() => work(client));
    try {
      const result = await Promise.race([working, breaks.promise]);
      client.off('error', breaks.reject);
      client.release();
      return result;
    } catch (cause) {
      working.catch(() => {});
      client.on('error', () => {});
      client.release(true);
      throw asStoreError(cause);
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#pool.end();
    await this.#closing;
  }

  /** Sets up a new connection, and the time that the server gives the request. */
  async #prepare(client: PoolClient, timeoutMs: number): Promise<void> {
    const serverTimeoutMs = Math.max(timeoutMs - HEARING_MS, Math.ceil(timeoutMs / 2));
    const current = this.#serverTimeoutMs.get(client);
    if (current === serverTimeoutMs) return;
    if (current === undefined) {
      await client.query(
        `SET search_path = ${this.#schema};
         SET jit = off;
         SET idle_in_transaction_session_timeout = ${this.#requestTimeoutMs};
         SELECT set_config('synchronous_commit', 'on', false)
           WHERE current_setting('synchronous_commit') <> 'remote_apply'`,
      );
      const { rows } = await client.query<Row>(
        `SELECT current_setting('synchronous_commit') AS commits, current_setting('fsync') AS fsync`,
      );
      checkDurability(rows[0]);
    }
    await client.query(`SET statement_timeout = ${serverTimeoutMs}`);
    this.#serverTimeoutMs.set(client, serverTimeoutMs);
  }
}

/** Answers what `work` asks on this connection from one unchanging view. */
export async function inSnapshot<T>(client: PoolClient, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  const result = await work();
  await client.query('COMMIT');
  return result;
}

function checkDurability(row: Row | undefined): void {
  const isFlushed = row?.commits === 'on' || row?.commits === 'remote_apply';
  if (isFlushed && row?.fsync === 'on') return;
  throw new ApuraError(
    'durability_refused',
    `Postgres has synchronous_commit ${row?.commits} and fsync ${row?.fsync}: both must be on.`,
  );
}

/**
 * Brings the schema up to this program's version, whole or not at all, one process at a time. Resolves
 * to the version that was there.
 */
async function migrate(client: PoolClient, schema: string): Promise<number> {
  await client.query('BEGIN');
  await client.query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [MIGRATION_LOCK, schema]);
  const { rows } = await client.query<Row>(
    `SELECT to_regnamespace($1) IS NOT NULL AS made, to_regclass($1 || '.meta') IS NOT NULL AS ours`,
    [schema],
  );
  if (rows[0]?.made !== true) await client.query(`CREATE SCHEMA ${schema}`);
  const version = rows[0]?.ours === true ? await versionOf(client) : 0;
  if (version > MIGRATIONS.length) {
    throw new ApuraError(
      'store_corrupt',
      `The schema ${schema} is of version ${version}; this program knows ${MIGRATIONS.length}.`,
    );
  }
  for (const migration of MIGRATIONS.slice(version)) await client.query(migration);
  if (version < MIGRATIONS.length) {
    await client.query(
      `INSERT INTO meta VALUES ('schemaVersion', $1)
       ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value`,
      [String(MIGRATIONS.length)],
    );
  }
  await client.query('COMMIT');
  return version;
}

async function versionOf(client: PoolClient): Promise<number> {
  const { rows } = await client.query<Row>(`SELECT value FROM meta WHERE name = 'schemaVersion'`);
  return numberOf(rows[0]?.value);
}

export function numberOf(value: unknown): number {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) throw unexpected(value);
  return number;
}

export function textOf(value: unknown): string {
  if (typeof value !== 'string') throw unexpected(value);
  return value;
}

export function orNull<Value>(value: unknown, read: (value: unknown) => Value): Value | null {
  return value === null ? null : read(value);
}

/** A copy: what came with it from the server is not held on to. */
export function bytesOf(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw unexpected(value);
  return Uint8Array.from(value);
}

export function objectOf(value: unknown): Row {
  if (typeof value !== 'object' || value === null) throw unexpected(value);
  return value as Row;
}

export function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw unexpected(value);
  return value;
}

export function unexpected(value: unknown): ApuraError {
  return new ApuraError('store_corrupt', `Postgres holds ${String(value)}, which is not ours.`);
}

/** Damage that the server has found, and tables of ours that are not there or not as we made them. */
const CORRUPT = /^(XX00[12]|42P01|42P07|42703|42883|42804)$/;

/** What the server says of itself or of the moment, not of the request: it may well work later. */
const UNAVAILABLE = /^(08|25P0[234]|28|3D|40|53|55P03|57|58)/;

function asStoreError(cause: unknown): unknown {
  if (cause instanceof ApuraError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  if (!(cause instanceof DatabaseError)) {
    return cause instanceof RangeError || cause instanceof TypeError
      ? cause
      : unavailable(message, cause);
  }
  const code = cause.code ?? '';
  if (CORRUPT.test(code)) {
    return new ApuraError('store_corrupt', `Postgres: ${message}`, { cause });
  }
  return UNAVAILABLE.test(code) ? unavailable(message, cause) : cause;
}

function unavailable(message: string, cause?: unknown): ApuraError {
  return new ApuraError('store_unavailable', `Postgres: ${message}`, { cause });
}
