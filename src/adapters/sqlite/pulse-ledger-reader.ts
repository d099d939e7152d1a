/** What can be asked of the pulse ledger on SQLite, on any connection: the writer's or a reader's own. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Checkpoint } from '../../domain/counting/checkpoint.ts';
import { AMOUNT_SCALE, type Pulse } from '../../domain/metering/pulse.ts';
import { decodePulse } from '../../domain/metering/pulse-codec.ts';
import {
  conflictCursorAt,
  conflictPlaceAt,
  type PulsePlace,
  pulseCursorAt,
  pulsePlaceAt,
} from '../../domain/metering/pulse-cursor.ts';
import type { UsageRecord } from '../../domain/metering/usage.ts';
import { addUpUsage } from '../../domain/metering/usage-sum.ts';
import type { DeadLetters } from '../../ports/dead-letters.ts';
import type {
  ConflictPage,
  PulseAct,
  PulseBooks,
  PulseConflict,
  PulseInventory,
  PulseLedger,
  PulsePage,
  PulseState,
  StoredPulse,
  UsageFilter,
  UsageRow,
} from '../../ports/pulse-ledger.ts';
import { readNumber, snapshot } from './database.ts';
import { SqliteDeadLetters } from './dead-letters.ts';
import { PulseTables } from './pulse-tables.ts';
import { bytesOf, hexOf, numberOf, oneOf, type Row, textOf, wholeOf } from './row-values.ts';
import { UsageReader } from './usage-reader.ts';
import { UsageWindows } from './usage-windows.ts';

/** The questions of the port. Each is answered from one unchanging view of the file. */
export type PulseLedgerReader = Pick<
  PulseLedger,
  'checkpoint' | 'books' | 'inventory' | 'pendingUsage' | 'find' | 'pulses' | 'conflicts' | 'usage'
> &
  AsyncDisposable;

/** What acts have made of a pulse. */
export interface Standing {
  readonly state: PulseState;
  readonly amount: bigint;
}

const BEHIND_ALL = { receivedAt: Number.MAX_SAFE_INTEGER, arrival: Number.MAX_SAFE_INTEGER };

export class SqlitePulseLedgerReader implements PulseLedgerReader {
  readonly deadLetters: DeadLetters;
  readonly #database: DatabaseSync;
  readonly #tables: PulseTables;
  readonly #windows: UsageWindows;
  readonly #usage: UsageReader;
  readonly #pulseOfKey: StatementSync;
  readonly #pulseAt: StatementSync;
  readonly #places: StatementSync;
  readonly #repeats: StatementSync;
  readonly #conflictsOfKey: StatementSync;
  readonly #conflicts: StatementSync;
  readonly #conflictsOfTenant: StatementSync;
  readonly #acts: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.deadLetters = new SqliteDeadLetters(database);
    this.#tables = new PulseTables(database);
    this.#windows = new UsageWindows(database);
    this.#usage = new UsageReader(database);
    this.#pulseOfKey = database.prepare(`
      SELECT pulse.* FROM pulse_key CROSS JOIN pulse USING (tenant, occurred_at, key)
      WHERE key = ?`);
    this.#pulseAt = database.prepare(
      'SELECT * FROM pulse WHERE tenant = ? AND occurred_at = ? AND key = ?',
    );
    this.#places = database.prepare(`
      SELECT occurred_at, key FROM pulse
      WHERE tenant = ? AND (occurred_at, key) > (?, ?) AND occurred_at < ?
      ORDER BY occurred_at, key LIMIT ?`);
    this.#repeats = database.prepare(
      'SELECT coalesce(sum(times), 0) AS times FROM repeat WHERE key = ?',
    );
    this.#conflictsOfKey = database.prepare(
      'SELECT count(*) AS conflicts FROM conflict WHERE key = ?',
    );
    const page = `(received_at, arrival) < (?, ?) ORDER BY received_at DESC, arrival DESC LIMIT ?`;
    this.#conflicts = database.prepare(`SELECT * FROM conflict WHERE ${page}`);
    this.#conflictsOfTenant = database.prepare(
      `SELECT * FROM conflict WHERE tenant = ? AND ${page}`,
    );
    this.#acts = database.prepare(
      'SELECT * FROM act WHERE target = ? AND partition = ? ORDER BY sequence',
    );
  }

  async checkpoint(partition: number): Promise<Checkpoint> {
    return this.#tables.checkpoint(partition);
  }

  async books(partition: number): Promise<PulseBooks> {
    return this.#tables.books(partition);
  }

  async inventory(partition: number): Promise<PulseInventory> {
    return snapshot(this.#database, () => ({
      checkpoint: this.#tables.checkpoint(partition),
      books: this.#tables.books(partition),
      keys: readNumber(
        this.#database,
        'SELECT count(*) FROM pulse_key WHERE partition = ?',
        partition,
      ),
      forgotten: readNumber(
        this.#database,
        'SELECT coalesce(sum(forgotten), 0) FROM usage_window WHERE partition = ?',
        partition,
      ),
    }));
  }

  async pendingUsage(partition: number, limit: number): Promise<readonly UsageRecord[]> {
    return this.#windows.pending(partition, limit);
  }

  async find(key: string): Promise<StoredPulse | null> {
    return snapshot(this.#database, () => {
      const row = this.#pulseOfKey.get(Buffer.from(key, 'hex'));
      return row === undefined ? null : this.#stored(row);
    });
  }

  async pulses(
    { tenant, from, to }: Parameters<PulseLedger['pulses']>[0],
    cursor: string | null,
    limit: number,
  ): Promise<PulsePage> {
    // No key is empty: all pulses of the first instant come behind it.
    const after = cursor === null ? { occurredAt: from, key: '' } : pulsePlaceAt(cursor);
    return snapshot(this.#database, () => {
      const tenants = [...this.#tables.tenants()]
        .filter(([, name]) => tenant === null || name === tenant)
        .map(([number]) => number);
      const places = this.#firstPlaces(tenants, after, to, limit + 1);
      const page = places.slice(0, limit);
      const last = page.at(-1);
      return {
        pulses: page.flatMap(({ tenant: owner, occurredAt, key }) => {
          const row = this.#pulseAt.get(owner, occurredAt, Buffer.from(key, 'hex'));
          return row === undefined ? [] : [this.#stored(row)];
        }),
        nextCursor: last !== undefined && places.length > limit ? pulseCursorAt(last) : null,
      };
    });
  }

  async conflicts(
    tenant: string | null,
    cursor: string | null,
    limit: number,
  ): Promise<ConflictPage> {
    const { receivedAt, arrival } = cursor === null ? BEHIND_ALL : conflictPlaceAt(cursor);
    return snapshot(this.#database, () => {
      const owner = [...this.#tables.tenants()].find(([, name]) => name === tenant)?.[0] ?? null;
      const rows =
        tenant === null
          ? this.#conflicts.all(receivedAt, arrival, limit + 1)
          : this.#conflictsOfTenant.all(owner, receivedAt, arrival, limit + 1);
      const page = rows.slice(0, limit);
      const last = page.at(-1);
      return {
        conflicts: page.map(conflictOf),
        nextCursor: last !== undefined && rows.length > limit ? conflictCursorOf(last) : null,
      };
    });
  }

  async usage(
    filter: UsageFilter,
    bounds: readonly number[],
    rowsMax: number,
  ): Promise<readonly UsageRow[]> {
    return snapshot(this.#database, () =>
      addUpUsage(this.#usage.named(filter, bounds), bounds, rowsMax),
    );
  }

  /** What acts have made of a pulse of this amount. */
  standing(key: Uint8Array, partition: number, amount: bigint): Standing {
    return standingAfter(this.#acts.all(key, partition).map(actOf), amount);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#database.isOpen) this.#database.close();
  }

  /**
   * The first places of all these tenants together. Each tenant's are in order, so that of many tenants
   * a few of each are asked for, and more only of those that the page needs more of.
   */
  #firstPlaces(
    tenants: readonly number[],
    after: PulsePlace,
    to: number,
    limit: number,
  ): readonly (PulsePlace & { readonly tenant: number })[] {
    const ahead = Math.ceil(limit / Math.max(tenants.length, 1)) + 1;
    let found: (PulsePlace & { readonly tenant: number })[] = [];
    let asked = tenants.map((tenant) => ({ tenant, after, length: ahead }));
    while (asked.length > 0) {
      const next: typeof asked = [];
      for (const { tenant, after, length } of asked) {
        const key = Buffer.from(after.key, 'hex');
        const rows = this.#places.all(tenant, after.occurredAt, key, to, length);
        const places = rows.map((row) => {
          return { tenant, occurredAt: numberOf(row.occurred_at), key: hexOf(row.key) };
        });
        found.push(...places);
        const last = places.at(-1);
        const more = Math.min(length * 4, limit);
        if (last !== undefined && rows.length === length) {
          next.push({ tenant, after: last, length: more });
        }
      }
      found = found.sort(byTimeAndKey).slice(0, limit);
      const end = found.at(-1);
      const isFull = found.length === limit;
      asked = next.filter(({ after: place }) => {
        return !isFull || (end !== undefined && byTimeAndKey(place, end) < 0);
      });
    }
    return found;
  }

  #stored(row: Row): StoredPulse {
    const key = bytesOf(row.key);
    const partition = numberOf(row.partition);
    const pulse = decodePulse(bytesOf(row.bytes));
    const acts = this.#acts.all(key, partition).map(actOf);
    return {
      key: hexOf(key),
      pulse,
      ...standingAfter(acts, unitsOf(pulse)),
      receivedAt: numberOf(row.received_at),
      storedAt: numberOf(row.stored_at),
      partition,
      offset: numberOf(row.offset),
      duplicates: numberOf(this.#repeats.get(key)?.times),
      conflicts: numberOf(this.#conflictsOfKey.get(key)?.conflicts),
      acts,
    };
  }
}

/** The amount in whole numbers of 10^-AMOUNT_SCALE. */
export function unitsOf({ amount }: Pulse): bigint {
  return amount.mantissa * 10n ** BigInt(AMOUNT_SCALE - amount.scale);
}

function standingAfter(acts: readonly PulseAct[], amount: bigint): Standing {
  const last = acts.at(-1);
  if (last === undefined) return { state: 'counted', amount };
  if (last.amount === null) return { state: 'voided', amount: 0n };
  return { state: 'counted', amount: last.amount };
}

function actOf(row: Row): PulseAct {
  return {
    kind: oneOf(['void', 'amend'], row.kind),
    actId: textOf(row.act_id),
    target: hexOf(row.target),
    amount: row.amount === null ? null : wholeOf(row.amount),
    reason: textOf(row.reason),
    actor: textOf(row.actor),
    at: numberOf(row.at),
    offset: numberOf(row.offset),
  };
}

function conflictOf(row: Row): PulseConflict {
  return {
    key: hexOf(row.key),
    pulse: decodePulse(bytesOf(row.bytes)),
    receivedAt: numberOf(row.received_at),
    partition: numberOf(row.partition),
    offset: numberOf(row.offset),
  };
}

function conflictCursorOf(row: Row): string {
  return conflictCursorAt({
    receivedAt: numberOf(row.received_at),
    arrival: numberOf(row.arrival),
  });
}

function byTimeAndKey(a: PulsePlace, b: PulsePlace): number {
  return a.occurredAt - b.occurredAt || (a.key < b.key ? -1 : Number(a.key > b.key));
}
