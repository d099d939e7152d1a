/** The pulse ledger on Postgres: every pulse a key for good and a row, in one schema with their usage. */
import type { PoolClient } from 'pg';
import type { Checkpoint } from '../../domain/counting/checkpoint.ts';
import { DAY_MS } from '../../domain/counting/retention.ts';
import type { UsageRecord } from '../../domain/metering/usage.ts';
import type { DeadLetters } from '../../ports/dead-letters.ts';
import type {
  ConflictPage,
  PulseBooks,
  PulseColumns,
  PulseCommit,
  PulseInventory,
  PulseLedger,
  PulsePage,
  PulseStep,
  StoredPulse,
  UsageFilter,
  UsageRow,
} from '../../ports/pulse-ledger.ts';
import { callAndCommit, copyRows, outcomeOf } from './copy.ts';
import {
  numberOf,
  openPostgres,
  type PostgresDatabase,
  type PostgresOptions,
  type Row,
  SCAN_TIMEOUT_MS,
  textOf,
} from './database.ts';
import { PostgresDeadLetters } from './dead-letters.ts';
import { checkpointOf } from './ledger-reader.ts';
import { arrayOf } from './literals.ts';
import { bindToLog } from './log-binding.ts';
import { INVENTORY, inventoryOf, PostgresPulseLedgerReader } from './pulse-ledger-reader.ts';
import { PULSE_STAGING_TABLE } from './pulse-schema.ts';
import { commitCall, encodePulseRows } from './pulse-step.ts';
import { SeriesDirectory, seriesName } from './series-numbers.ts';
import { recordOf } from './usage-reader.ts';

export interface PostgresPulseLedgerOptions extends PostgresOptions {
  /** The log that the ledger belongs to. */
  readonly logId: string;
}

/** After a step that brings known keys again, as many of its partition are expected to. */
const WARY_STEPS = 16;
/** How long a day whose table could not be made is left to the default one. */
const DAY_RETRY_MS = 10_000;
/** Pulses that come later than this, or sooner, share the default table: few days, and few of each. */
const BEHIND_MS_MAX = 40 * DAY_MS;
const AHEAD_MS_MAX = DAY_MS;
/**
 * Connects, brings the schema up to date and ties the pulse ledger in it to the log.
 *
 * @throws ApuraError `log_mismatch`: the schema holds the pulses of another log.
 * @throws ApuraError `durability_refused`: the server does not keep what it has committed.
 * @throws ApuraError `store_corrupt`: the schema is not ours, or of a newer version.
 * @throws ApuraError `store_unavailable`: nobody answers at the address, or lets us in.
 */
export async function openPostgresPulseLedger(
  options: PostgresPulseLedgerOptions,
): Promise<PulseLedger & { readonly deadLetters: DeadLetters }> {
  const database = await openPostgres(options);
  try {
    await bindToLog(database, 'pulseLogId', options.logId);
    return new PostgresPulseLedger(database, options.logId);
  } catch (error) {
    await database[Symbol.asyncDispose]();
    throw error;
  }
}

class PostgresPulseLedger implements PulseLedger {
  readonly deadLetters: DeadLetters;
  readonly #database: PostgresDatabase;
  readonly #reader: PostgresPulseLedgerReader;
  readonly #logId: string;
  readonly #series = new SeriesDirectory();
  /** Connections that have their table `staged_pulse`. */
  readonly #staging = new WeakSet<PoolClient>();
  /** How many steps of a partition are still expected to bring known keys. */
  readonly #wary = new Map<number, number>();
  /** Until when no table needs to be made for a day, by `performance.now()`. */
  readonly #days = new Map<number, number>();

  constructor(database: PostgresDatabase, logId: string) {
    this.#database = database;
    this.#reader = new PostgresPulseLedgerReader(database);
    this.deadLetters = new PostgresDeadLetters(database);
    this.#logId = logId;
  }

  async takeOver(
    partition: number,
  ): Promise<{ readonly epoch: number; readonly checkpoint: Checkpoint }> {
    const [row] = await this.#database.rows(
      `INSERT INTO pulse_progress (partition, epoch) VALUES ($1, 1)
       ON CONFLICT (partition) DO UPDATE SET epoch = pulse_progress.epoch + 1 RETURNING *`,
      [partition],
    );
    return { epoch: numberOf(row?.epoch), checkpoint: checkpointOf(row ?? {}) };
  }

  async commit(step: PulseStep): Promise<PulseCommit> {
    const { partition, pulses, totals, acts } = step;
    const wary = this.#wary.get(partition) ?? 0;
    this.#wary.set(partition, Math.max(wary - 1, 0));
    // An act may have to add a large window up anew.
    const timeoutMs = acts.length === 0 ? undefined : SCAN_TIMEOUT_MS;
    await this.#prepareDays(pulses);
    return this.#database.run(async (client) => {
      await this.#prepareStaging(client);
      const series = [...pulses.series, ...totals.map((total) => total.series)];
      const numbers = await this.#series.numbersOf(client, series);
      const rows = encodePulseRows(pulses, numbers);
      const call = commitCall(step, this.#logId, numbers, wary === 0);
      await copyRows(client, 'staged_pulse', { rows, rowCount: pulses.count });
      const row = await callAndCommit(client, call);
      const [duplicates, conflicts] = [numberOf(row.duplicates), numberOf(row.conflicts)];
      if (duplicates + conflicts > 0) this.#wary.set(partition, WARY_STEPS);
      return { outcome: outcomeOf(row), counted: numberOf(row.counted), duplicates, conflicts };
    }, timeoutMs);
  }

  checkpoint(partition: number): Promise<Checkpoint> {
    return this.#reader.checkpoint(partition);
  }

  books(partition: number): Promise<PulseBooks> {
    return this.#reader.books(partition);
  }

  async inventory(partition: number): Promise<PulseInventory> {
    const [row] = await this.#scan(INVENTORY, partition);
    return inventoryOf(row);
  }

  pendingUsage(partition: number, limit: number): Promise<readonly UsageRecord[]> {
    return this.#reader.pendingUsage(partition, limit);
  }

  async markUsageSent(records: readonly UsageRecord[]): Promise<void> {
    if (records.length === 0) return;
    const series = records.map((record) => record.series);
    await this.#database.run(async (client) => {
      const numbers = await this.#series.numbersOf(client, series);
      const columns = [
        arrayOf(
          'integer',
          records.map(({ partition }) => partition),
        ),
        arrayOf(
          'integer',
          series.map((one) => numbers.get(seriesName(one)) ?? Number.NaN),
        ),
        arrayOf(
          'bigint',
          records.map(({ start }) => start),
        ),
        arrayOf(
          'bigint',
          records.map(({ version }) => version),
        ),
      ];
      await client.query(`SELECT mark_usage_sent(${columns.join(', ')})`);
    });
  }

  find(key: string): Promise<StoredPulse | null> {
    return this.#reader.find(key);
  }

  pulses(
    filter: { readonly tenant: string | null; readonly from: number; readonly to: number },
    cursor: string | null,
    limit: number,
  ): Promise<PulsePage> {
    return this.#reader.pulses(filter, cursor, limit);
  }

  conflicts(tenant: string | null, cursor: string | null, limit: number): Promise<ConflictPage> {
    return this.#reader.conflicts(tenant, cursor, limit);
  }

  usage(
    filter: UsageFilter,
    bounds: readonly number[],
    rowsMax: number,
  ): Promise<readonly UsageRow[]> {
    return this.#reader.usage(filter, bounds, rowsMax);
  }

  async recompute(partition: number, from: number, to: number): Promise<readonly UsageRecord[]> {
    const text = `SELECT * FROM recompute_usage($1, $2, $3) JOIN series USING (series)
      ORDER BY tenant, sku, unit, start`;
    return (await this.#scan(text, partition, from, to)).map(recordOf);
  }

  async reset(partition: number): Promise<void> {
    await this.#scan('SELECT reset_pulses($1)', partition);
  }

  async forget(from: number, to: number): Promise<number> {
    const tables = await this.#database.rows(
      `SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace
       AND relname ~ '^pulse_[0-9]{8}$' ORDER BY relname`,
    );
    let forgotten = 0;
    for (const { relname } of tables) {
      const day = dayOf(textOf(relname));
      if (day * DAY_MS < from || (day + 1) * DAY_MS > to) continue;
      this.#days.delete(day);
      const [row] = await this.#scan('SELECT forget_pulse_day($1) AS pulses', day);
      forgotten += numberOf(row?.pulses);
      await this.#database.rows('SELECT drop_pulse_day($1)', [day]);
    }
    const [row] = await this.#scan('SELECT forget_pulses($1, $2) AS pulses', from, to);
    return forgotten + numberOf(row?.pulses);
  }

  async restore(partition: number, pulses: PulseColumns): Promise<number> {
    await this.#prepareDays(pulses);
    return this.#database.run(async (client) => {
      await this.#prepareStaging(client);
      const numbers = await this.#series.numbersOf(client, pulses.series);
      const rows = encodePulseRows(pulses, numbers);
      await copyRows(client, 'staged_pulse', { rows, rowCount: pulses.count });
      const call = `SELECT restore_pulses(${numberOf(partition)}) AS pulses`;
      return numberOf((await callAndCommit(client, call)).pulses);
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#database[Symbol.asyncDispose]();
  }

  /** Asks for what may visit every row of a partition. */
  async #scan(text: string, ...values: readonly number[]): Promise<readonly Row[]> {
    const ask = (client: PoolClient) => client.query<Row>(text, [...values]);
    return (await this.#database.run(ask, SCAN_TIMEOUT_MS)).rows;
  }

  async #prepareStaging(client: PoolClient): Promise<void> {
    if (this.#staging.has(client)) return;
    await client.query(PULSE_STAGING_TABLE);
    this.#staging.add(client);
  }

  /** Makes the tables of the days that the pulses are of, and of the next one ahead of its time. */
  async #prepareDays({ count, occurredAt, receivedAt }: PulseColumns): Promise<void> {
    const days = new Set<number>();
    for (let index = 0; index < count; index += 1) {
      const [occurred, received] = [occurredAt[index] as number, receivedAt[index] as number];
      const behindMs = received - occurred;
      if (behindMs > BEHIND_MS_MAX || behindMs < -AHEAD_MS_MAX) continue;
      days.add(Math.floor(occurred / DAY_MS));
    }
    if (days.size === 0) return;
    days.add(Math.max(...days) + 1);
    for (const day of days) {
      const now = performance.now();
      if (now < (this.#days.get(day) ?? Number.NEGATIVE_INFINITY)) continue;
      const [row] = await this.#database.rows('SELECT add_pulse_day($1) AS settled', [day]);
      const isSettled = row?.settled === true;
      this.#days.set(day, isSettled ? Number.POSITIVE_INFINITY : now + DAY_RETRY_MS);
    }
  }
}

/** The day that a table is of: `pulse_20261124`. */
function dayOf(table: string): number {
  const [, year, month, day] = /_(\d{4})(\d\d)(\d\d)$/.exec(table) ?? [];
  return Date.UTC(Number(year), Number(month) - 1, Number(day)) / DAY_MS;
}
