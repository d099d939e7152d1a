/** What can be asked of the pulse ledger on Postgres. */
import { type Checkpoint, START } from '../../domain/counting/checkpoint.ts';
import { decodePulse } from '../../domain/metering/pulse-codec.ts';
import {
  conflictCursorAt,
  conflictPlaceAt,
  pulseCursorAt,
  pulsePlaceAt,
} from '../../domain/metering/pulse-cursor.ts';
import type { UsageRecord } from '../../domain/metering/usage.ts';
import type {
  ConflictPage,
  PulseAct,
  PulseBooks,
  PulseConflict,
  PulseInventory,
  PulseLedger,
  PulsePage,
  StoredPulse,
  UsageFilter,
  UsageRow,
} from '../../ports/pulse-ledger.ts';
import {
  bytesOf,
  numberOf,
  type Parameter,
  type PostgresDatabase,
  type Row,
  textOf,
  unexpected,
} from './database.ts';
import { checkpointOf, idOf } from './ledger-reader.ts';
import { amountOf } from './numeric.ts';
import { PULSE_STATES } from './pulse-states.ts';
import { recordOf, usageOf } from './usage-reader.ts';

const BEFORE_ALL = { occurredAt: -1, key: '0'.repeat(32) };
const BEHIND_ALL = { receivedAt: Number.MAX_SAFE_INTEGER, arrival: Number.MAX_SAFE_INTEGER };

/** A pulse with how often it came again; `conflicts` are of all partitions, as duplicates are. */
const REPEATS = `
  (SELECT coalesce(sum(duplicates), 0)::bigint FROM pulse_repeat r WHERE r.key = p.key) AS duplicates,
  (SELECT count(*) FROM pulse_conflict c WHERE c.key = p.key) AS conflicts`;

/** A partition's progress and what it holds, by one statement: of one instant. */
export const INVENTORY = `
  SELECT progress.*,
    (SELECT count(*) FROM pulse_key WHERE partition = $1) AS keys,
    (SELECT coalesce(sum(count), 0)::bigint FROM pulse_forgotten WHERE partition = $1) AS forgotten
  FROM (SELECT) one LEFT JOIN pulse_progress progress ON partition = $1`;

const TOTAL = 'sum, count, min, max, last, last_at, last_key';

/** The questions of the pulse ledger's port. */
export type PulseLedgerReader = Pick<
  PulseLedger,
  'checkpoint' | 'books' | 'pendingUsage' | 'find' | 'pulses' | 'conflicts' | 'usage'
>;

export class PostgresPulseLedgerReader implements PulseLedgerReader {
  readonly #database: PostgresDatabase;

  constructor(database: PostgresDatabase) {
    this.#database = database;
  }

  async checkpoint(partition: number): Promise<Checkpoint> {
    const [row] = await this.#progress(partition);
    return row === undefined ? START : checkpointOf(row);
  }

  async books(partition: number): Promise<PulseBooks> {
    const [row] = await this.#progress(partition);
    return booksOf(row);
  }

  async pendingUsage(partition: number, limit: number): Promise<readonly UsageRecord[]> {
    const rows = await this.#database.rows(
      `SELECT tenant, sku, unit, start, ${TOTAL}, partition, version FROM (
         SELECT * FROM usage_window WHERE partition = $1 AND version > sent_version
         ORDER BY version, series, start LIMIT $2
       ) pending JOIN series USING (series) ORDER BY version, series, start`,
      [partition, limit],
    );
    return rows.map(recordOf);
  }

  async find(key: string): Promise<StoredPulse | null> {
    const rows = await this.#database.rows(
      `SELECT p.*, ${REPEATS} FROM pulse_key k
       JOIN pulse p ON p.occurred_at = k.occurred_at AND p.key = k.key WHERE k.key = $1`,
      [key],
    );
    const [pulse] = await this.#withActs(rows);
    return pulse ?? null;
  }

  async pulses(
    filter: { readonly tenant: string | null; readonly from: number; readonly to: number },
    cursor: string | null,
    limit: number,
  ): Promise<PulsePage> {
    const after = cursor === null ? BEFORE_ALL : pulsePlaceAt(cursor);
    const from = Math.max(filter.from, after.occurredAt);
    const values: Parameter[] = [from, filter.to, after.occurredAt, after.key, limit + 1];
    // A page of each of the tenant's series, along the index, and the first of all of them.
    const rows = await this.#database.rows(
      filter.tenant === null
        ? `SELECT p.*, ${REPEATS} FROM (${PAGE}) p ORDER BY occurred_at, key`
        : `SELECT p.*, ${REPEATS} FROM (
             SELECT page.* FROM series
             CROSS JOIN LATERAL (${PAGE_OF_SERIES}) page WHERE tenant = $6
             ORDER BY occurred_at, key LIMIT $5
           ) p ORDER BY occurred_at, key`,
      filter.tenant === null ? values : [...values, filter.tenant],
    );
    const pulses = await this.#withActs(rows.slice(0, limit));
    const last = pulses.at(-1);
    const hasMore = last !== undefined && rows.length > limit;
    return { pulses, nextCursor: hasMore ? pulseCursorAt({ ...last.pulse, key: last.key }) : null };
  }

  async conflicts(
    tenant: string | null,
    cursor: string | null,
    limit: number,
  ): Promise<ConflictPage> {
    const before = cursor === null ? BEHIND_ALL : conflictPlaceAt(cursor);
    const rows = await this.#database.rows(
      `SELECT * FROM pulse_conflict
       WHERE (received_at, arrival) < ($1, $2) ${tenant === null ? '' : 'AND tenant = $4'}
       ORDER BY received_at DESC, arrival DESC LIMIT $3`,
      [before.receivedAt, before.arrival, limit + 1, ...(tenant === null ? [] : [tenant])],
    );
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    const hasMore = last !== undefined && rows.length > limit;
    return { conflicts: shown.map(conflictOf), nextCursor: hasMore ? cursorOf(last) : null };
  }

  async usage(
    filter: UsageFilter,
    bounds: readonly number[],
    rowsMax: number,
  ): Promise<readonly UsageRow[]> {
    return usageOf(this.#database, 'usage_window', filter, bounds, rowsMax);
  }

  #progress(partition: number): Promise<readonly Row[]> {
    const text = 'SELECT * FROM pulse_progress WHERE partition = $1';
    return this.#database.rows(text, [partition]);
  }

  /** The pulses of these rows with what operators did to them, by a second question where it was much. */
  async #withActs(rows: readonly Row[]): Promise<readonly StoredPulse[]> {
    if (rows.length === 0) return [];
    const acts = await this.#database.rows(
      'SELECT * FROM pulse_act WHERE target = ANY ($1::uuid[]) ORDER BY target, arrival',
      [rows.map(({ key }) => textOf(key))],
    );
    const byTarget = Map.groupBy(acts.map(actOf), ({ target }) => target);
    return rows.map((row) => pulseOf(row, byTarget.get(idOf(row.key)) ?? []));
  }
}

const PAGE = `SELECT * FROM pulse WHERE occurred_at >= $1 AND occurred_at < $2
  AND (occurred_at, key) > ($3::bigint, $4::uuid) ORDER BY occurred_at, key LIMIT $5`;
const PAGE_OF_SERIES = PAGE.replace('WHERE', 'WHERE pulse.series = series.series AND');

function pulseOf(row: Row, acts: readonly PulseAct[]): StoredPulse {
  const state = STATES.find((one) => PULSE_STATES[one] === row.state);
  if (state === undefined) throw unexpected(`a pulse of state ${row.state}`);
  return {
    key: idOf(row.key),
    pulse: decodePulse(bytesOf(row.bytes)),
    state,
    amount: amountOf(row.amount),
    receivedAt: numberOf(row.received_at),
    storedAt: numberOf(row.stored_at),
    partition: numberOf(row.partition),
    offset: numberOf(row.offset),
    duplicates: numberOf(row.duplicates),
    conflicts: numberOf(row.conflicts),
    acts,
  };
}

const STATES = ['counted', 'voided'] as const;

function conflictOf(row: Row): PulseConflict {
  return {
    key: idOf(row.key),
    pulse: decodePulse(bytesOf(row.bytes)),
    receivedAt: numberOf(row.received_at),
    partition: numberOf(row.partition),
    offset: numberOf(row.offset),
  };
}

function actOf(row: Row): PulseAct {
  const { kind } = row;
  if (kind !== 'void' && kind !== 'amend') throw unexpected(`an act that is called ${kind}`);
  return {
    kind,
    actId: textOf(row.act_id),
    target: idOf(row.target),
    amount: row.amount === null ? null : amountOf(row.amount),
    reason: textOf(row.reason),
    actor: textOf(row.actor),
    at: numberOf(row.at),
    offset: numberOf(row.offset),
  };
}

function cursorOf(row: Row): string {
  return conflictCursorAt({
    receivedAt: numberOf(row.received_at),
    arrival: numberOf(row.arrival),
  });
}

/** Of a row of INVENTORY. */
export function inventoryOf(row: Row | undefined): PulseInventory {
  const progress = row?.partition === null ? undefined : row;
  return {
    checkpoint: progress === undefined ? START : checkpointOf(progress),
    books: booksOf(progress),
    keys: numberOf(row?.keys),
    forgotten: numberOf(row?.forgotten),
  };
}

/** Of a partition's progress; zeros where it has none. */
function booksOf(row: Row | undefined): PulseBooks {
  const of = (name: string): number => (row === undefined ? 0 : numberOf(row[name]));
  const [counted, duplicates, conflicts] = [of('counted'), of('duplicates'), of('conflicts')];
  return {
    received: counted + duplicates + conflicts,
    ...{ counted, duplicates, conflicts },
    voided: of('voided'),
    deadLetters: of('dead_letters'),
  };
}
