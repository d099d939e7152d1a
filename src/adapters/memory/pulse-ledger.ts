/** A pulse ledger that lives and dies with the process: the model that durable ones are held to. */
import { createHash } from 'node:crypto';
import { type Checkpoint, START } from '../../domain/counting/checkpoint.ts';
import { ApuraError } from '../../domain/errors.ts';
import { AMOUNT_SCALE, type Pulse, type UsageSeries } from '../../domain/metering/pulse.ts';
import { decodePulse } from '../../domain/metering/pulse-codec.ts';
import {
  conflictCursorAt,
  conflictPlaceAt,
  pulseCursorAt,
  pulsePlaceAt,
} from '../../domain/metering/pulse-cursor.ts';
import { unknownTarget } from '../../domain/metering/unknown-target.ts';
import {
  isSameUsage,
  NO_USAGE,
  type UsageRecord,
  type UsageTotal,
  usageOf,
  usageVersion,
  usageWindowOf,
} from '../../domain/metering/usage.ts';
import { addTotals, addUpUsage } from '../../domain/metering/usage-sum.ts';
import { compareTexts } from '../../domain/text-order.ts';
import type {
  ConflictPage,
  PulseAct,
  PulseBooks,
  PulseColumns,
  PulseCommit,
  PulseConflict,
  PulseInventory,
  PulseLedger,
  PulsePage,
  PulseState,
  PulseStep,
  StoredPulse,
  UsageFilter,
  UsageRow,
} from '../../ports/pulse-ledger.ts';
import type { CommitOutcome } from '../../ports/store-step.ts';
import { systemClock } from '../../runtime/system-clock.ts';
import { MemoryDeadLetters } from './dead-letters.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A pulse of a step, taken out of its columns. */
interface Arrival {
  readonly key: string;
  readonly digest: string;
  readonly pulse: Pulse;
  readonly receivedAt: number;
  readonly offset: number;
}

/** A pulse that is held: not forgotten. */
interface Held extends Arrival {
  readonly partition: number;
  readonly storedAt: number;
}

interface Window {
  readonly series: UsageSeries;
  readonly start: number;
  total: UsageTotal;
  version: number;
  sentVersion: number;
  /** Pulses that count in it and were forgotten. */
  forgotten: number;
}

class Partition {
  epoch = 0;
  checkpoint: Checkpoint = START;
  books: Mutable<PulseBooks> = emptyBooks();
  readonly windows = new Map<string, Window>();
  /** By their ids, in the order in which they were taken. */
  readonly acts = new Map<string, PulseAct>();
}

/** What a ledger holds, apart from its handles: it outlives them as a server or a file would. */
export class MemoryPulseStore {
  readonly logId: string;
  readonly deadLetters: MemoryDeadLetters;
  readonly partitions = new Map<number, Partition>();
  /** Every key that ever counted, and where. */
  readonly keys = new Map<string, { readonly digest: string; readonly partition: number }>();
  readonly held = new Map<string, Held>();
  readonly repeats: { readonly key: string; readonly partition: number }[] = [];
  conflicts: { readonly arrival: number; readonly conflict: PulseConflict }[] = [];
  arrivals = 0;

  constructor(logId: string, deadLetters: MemoryDeadLetters = new MemoryDeadLetters()) {
    this.logId = logId;
    this.deadLetters = deadLetters;
  }

  partition(number: number): Partition {
    const partition = this.partitions.get(number) ?? new Partition();
    this.partitions.set(number, partition);
    return partition;
  }
}

export class MemoryPulseLedger implements PulseLedger {
  readonly deadLetters: MemoryDeadLetters;
  readonly #store: MemoryPulseStore;
  readonly #logId: string;

  constructor(store: MemoryPulseStore, logId: string = store.logId) {
    this.#store = store;
    this.#logId = logId;
    this.deadLetters = store.deadLetters;
  }

  async takeOver(
    partition: number,
  ): Promise<{ readonly epoch: number; readonly checkpoint: Checkpoint }> {
    if (this.#logId !== this.#store.logId) {
      throw new ApuraError('log_mismatch', `The ledger belongs to the log ${this.#store.logId}`);
    }
    const content = this.#store.partition(partition);
    content.epoch += 1;
    return { epoch: content.epoch, checkpoint: content.checkpoint };
  }

  async commit(step: PulseStep): Promise<PulseCommit> {
    // Everything that can fail comes before the first change, and works on a copy.
    const copy = structuredClone(step);
    const arrivals = arrivalsOf(copy.pulses);
    const partition = this.#store.partition(copy.partition);
    const outcome = judge(partition, copy);
    if (outcome !== 'applied') return { outcome, counted: 0, duplicates: 0, conflicts: 0 };
    const knowsSome = arrivals.some(({ key }) => this.#store.keys.has(key));
    const { counted, duplicates, conflicts } = this.#take(copy.partition, arrivals);
    const touched = new Set<Window>();
    const additions = knowsSome ? counted.map(windowOfOne) : copy.totals;
    for (const { series, start, ...addition } of additions) {
      const window = windowAt(partition, series, start);
      window.total = window.total.count === 0 ? addition : addTotals(window.total, addition);
      touched.add(window);
    }
    const unknown = copy.acts.filter((act) => !this.#act(copy.partition, act, touched));
    const place = { logId: this.#store.logId, partition: copy.partition };
    const failedAt = copy.checkpoint.logTime;
    const letters = unknown.map((act) => unknownTarget(act, place, failedAt, sha256));
    this.#store.deadLetters.report([...copy.deadLetters, ...letters]);
    const version = usageVersion(copy.epoch, copy.checkpoint.nextOffset);
    for (const window of touched) window.version = Math.max(version, window.version + 1);
    partition.checkpoint = copy.checkpoint;
    const { books } = partition;
    books.received += arrivals.length;
    books.counted += counted.length;
    books.duplicates += duplicates;
    books.conflicts += conflicts;
    books.deadLetters += copy.deadLetters.length + letters.length;
    return { outcome, counted: counted.length, duplicates, conflicts };
  }

  async checkpoint(partition: number): Promise<Checkpoint> {
    return this.#store.partition(partition).checkpoint;
  }

  async books(partition: number): Promise<PulseBooks> {
    return { ...this.#store.partition(partition).books };
  }

  async inventory(number: number): Promise<PulseInventory> {
    const { checkpoint, books, windows } = this.#store.partition(number);
    const keys = [...this.#store.keys.values()].filter(({ partition }) => partition === number);
    const forgotten = [...windows.values()].reduce((sum, window) => sum + window.forgotten, 0);
    return { checkpoint, books: { ...books }, keys: keys.length, forgotten };
  }

  async pendingUsage(partition: number, limit: number): Promise<readonly UsageRecord[]> {
    return [...this.#store.partition(partition).windows.values()]
      .filter(({ version, sentVersion }) => version > sentVersion)
      .sort((a, b) => a.version - b.version)
      .slice(0, limit)
      .map((window) => recordOf(partition, window));
  }

  async markUsageSent(records: readonly UsageRecord[]): Promise<void> {
    for (const { partition, series, start, version } of records) {
      const window = this.#store.partition(partition).windows.get(nameOf(series, start));
      if (window?.version === version) window.sentVersion = version;
    }
  }

  async find(key: string): Promise<StoredPulse | null> {
    const held = this.#store.held.get(key);
    return held === undefined ? null : this.#stored(held);
  }

  async pulses(
    filter: { readonly tenant: string | null; readonly from: number; readonly to: number },
    cursor: string | null,
    limit: number,
  ): Promise<PulsePage> {
    const after = cursor === null ? null : pulsePlaceAt(cursor);
    const { tenant, from, to } = filter;
    const rest = [...this.#store.held.values()]
      .filter(({ pulse }) => tenant === null || pulse.tenant === tenant)
      .filter(({ pulse }) => pulse.occurredAt >= from && pulse.occurredAt < to)
      .map((held) => ({ held, occurredAt: held.pulse.occurredAt, key: held.key }))
      .filter((place) => after === null || byTimeAndKey(place, after) > 0)
      .sort(byTimeAndKey);
    const page = rest.slice(0, limit);
    const last = page.at(-1);
    return {
      pulses: page.map(({ held }) => this.#stored(held)),
      nextCursor: last !== undefined && rest.length > limit ? pulseCursorAt(last) : null,
    };
  }

  async conflicts(
    tenant: string | null,
    cursor: string | null,
    limit: number,
  ): Promise<ConflictPage> {
    const after = cursor === null ? null : conflictPlaceAt(cursor);
    const rest = this.#store.conflicts
      .filter(({ conflict }) => tenant === null || conflict.pulse.tenant === tenant)
      .map(({ arrival, conflict }) => ({ arrival, conflict, receivedAt: conflict.receivedAt }))
      .filter((place) => after === null || lastReceivedFirst(after, place) < 0)
      .sort(lastReceivedFirst);
    const page = rest.slice(0, limit);
    const last = page.at(-1);
    return {
      conflicts: page.map(({ conflict }) => conflict),
      nextCursor: last !== undefined && rest.length > limit ? conflictCursorAt(last) : null,
    };
  }

  async usage(
    filter: UsageFilter,
    bounds: readonly number[],
    rowsMax: number,
  ): Promise<readonly UsageRow[]> {
    const windows = [...this.#store.partitions.values()]
      .flatMap((partition) => [...partition.windows.values()])
      .filter(({ start }) => start >= filter.from && start < filter.to)
      .filter(({ series }) =>
        (['tenant', 'sku', 'unit'] as const).every(
          (part) => filter[part] === null || filter[part] === series[part],
        ),
      );
    return addUpUsage(
      windows.map(({ series, start, total }) => ({ series, start, ...total })),
      bounds,
      rowsMax,
    );
  }

  async recompute(number: number, from: number, to: number): Promise<readonly UsageRecord[]> {
    const partition = this.#store.partition(number);
    for (const held of this.#store.held.values()) {
      if (held.partition !== number) continue;
      const { series, start } = windowOfOne(held);
      if (start >= from && start < to) windowAt(partition, series, start);
    }
    const totals = this.#totals(number, from, to);
    const totalOf = ({ series, start }: Window) => totals.get(nameOf(series, start)) ?? NO_USAGE;
    const wrong = [...partition.windows.values()].filter((window) => {
      const isAsked = window.start >= from && window.start < to && window.forgotten === 0;
      return isAsked && !isSameUsage(window.total, totalOf(window));
    });
    const version = usageVersion(partition.epoch, partition.checkpoint.nextOffset) + 1;
    for (const window of wrong) {
      window.total = totalOf(window);
      window.version = Math.max(version, window.version + 1);
    }
    return wrong
      .map((window) => recordOf(number, window))
      .sort(
        (a, b) =>
          compareTexts(a.series.tenant, b.series.tenant) ||
          compareTexts(a.series.sku, b.series.sku) ||
          compareTexts(a.series.unit, b.series.unit) ||
          a.start - b.start,
      );
  }

  async reset(number: number): Promise<void> {
    const store = this.#store;
    const { epoch } = store.partition(number);
    const fresh = new Partition();
    fresh.epoch = epoch + 1;
    store.partitions.set(number, fresh);
    for (const [key, { partition }] of store.keys) {
      if (partition !== number) continue;
      store.keys.delete(key);
      store.held.delete(key);
    }
    store.conflicts = store.conflicts.filter(({ conflict }) => conflict.partition !== number);
    const others = store.repeats.filter(({ partition }) => partition !== number);
    store.repeats.splice(0, store.repeats.length, ...others);
  }

  async forget(from: number, to: number): Promise<number> {
    const gone = [...this.#store.held.values()].filter(
      ({ pulse }) => pulse.occurredAt >= from && pulse.occurredAt < to,
    );
    for (const held of gone) {
      this.#windowOf(held).forgotten += this.#standing(held).state === 'counted' ? 1 : 0;
      this.#store.held.delete(held.key);
    }
    return gone.length;
  }

  async restore(partition: number, pulses: PulseColumns): Promise<number> {
    const arrivals = arrivalsOf(structuredClone(pulses));
    let restored = 0;
    for (const arrival of arrivals) {
      const known = this.#store.keys.get(arrival.key);
      if (known?.partition !== partition || known.digest !== arrival.digest) continue;
      if (this.#store.held.has(arrival.key)) continue;
      const held = { ...arrival, partition, storedAt: systemClock.now() };
      this.#store.held.set(arrival.key, held);
      this.#windowOf(held).forgotten -= this.#standing(held).state === 'counted' ? 1 : 0;
      restored += 1;
    }
    return restored;
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** Keeps what is new, and what conflicts. */
  #take(
    partition: number,
    arrivals: readonly Arrival[],
  ): {
    readonly counted: readonly Held[];
    readonly duplicates: number;
    readonly conflicts: number;
  } {
    const counted: Held[] = [];
    let duplicates = 0;
    let conflicts = 0;
    for (const arrival of arrivals) {
      const { key, digest, pulse, receivedAt, offset } = arrival;
      const known = this.#store.keys.get(key);
      if (known === undefined) {
        const held = { ...arrival, partition, storedAt: systemClock.now() };
        this.#store.keys.set(key, { digest, partition });
        this.#store.held.set(key, held);
        counted.push(held);
      } else if (known.digest === digest) {
        this.#store.repeats.push({ key, partition });
        duplicates += 1;
      } else {
        this.#store.arrivals += 1;
        const conflict = { key, pulse, receivedAt, partition, offset };
        this.#store.conflicts.push({ arrival: this.#store.arrivals, conflict });
        conflicts += 1;
      }
    }
    return { counted, duplicates, conflicts };
  }

  /** False: its pulse is not there. */
  #act(number: number, act: PulseAct, touched: Set<Window>): boolean {
    const partition = this.#store.partition(number);
    if (partition.acts.has(act.actId)) return true;
    const held = this.#store.held.get(act.target);
    if (held?.partition !== number) return false;
    const before = this.#standing(held);
    partition.acts.set(act.actId, act);
    const after = this.#standing(held);
    if (before.state === after.state && before.amount === after.amount) return true;
    partition.books.voided += Number(after.state === 'voided') - Number(before.state === 'voided');
    const window = this.#windowOf(held);
    const { series, start } = window;
    const totals = this.#totals(number, start, start + 1);
    const total = totals.get(nameOf(series, start)) ?? NO_USAGE;
    const moved = {
      ...(window.forgotten > 0 ? window.total : total),
      sum: window.total.sum - before.amount + after.amount,
      count:
        window.total.count - Number(before.state === 'counted') + Number(after.state === 'counted'),
    };
    window.total = moved.count === 0 ? NO_USAGE : moved;
    touched.add(window);
    return true;
  }

  /** What acts have made of it. */
  #standing({ key, partition, pulse }: Held): {
    readonly state: PulseState;
    readonly amount: bigint;
  } {
    const act = this.#actsOn(key, partition).at(-1);
    if (act === undefined) return { state: 'counted', amount: unitsOf(pulse) };
    if (act.amount === null) return { state: 'voided', amount: 0n };
    return { state: 'counted', amount: act.amount };
  }

  #actsOn(key: string, partition: number): readonly PulseAct[] {
    return [...this.#store.partition(partition).acts.values()].filter(
      ({ target }) => target === key,
    );
  }

  /** What the pulses come to that are held and count, by the windows that start in `[from, to)`. */
  #totals(partition: number, from: number, to: number): ReadonlyMap<string, UsageTotal> {
    const totals = new Map<string, UsageTotal>();
    for (const held of this.#store.held.values()) {
      const { occurredAt } = held.pulse;
      const start = usageWindowOf(occurredAt);
      if (held.partition !== partition || start < from || start >= to) continue;
      const { state, amount } = this.#standing(held);
      if (state === 'voided') continue;
      const one = usageOf(amount, occurredAt, held.key);
      const name = nameOf(held.pulse, start);
      const total = totals.get(name);
      totals.set(name, total === undefined ? one : addTotals(total, one));
    }
    return totals;
  }

  #windowOf(held: Held): Window {
    const { series, start } = windowOfOne(held);
    return windowAt(this.#store.partition(held.partition), series, start);
  }

  #stored(held: Held): StoredPulse {
    const { key, pulse, receivedAt, storedAt, partition, offset } = held;
    return {
      key,
      pulse,
      ...this.#standing(held),
      receivedAt,
      storedAt,
      partition,
      offset,
      duplicates: this.#store.repeats.filter((repeat) => repeat.key === key).length,
      conflicts: this.#store.conflicts.filter(({ conflict }) => conflict.key === key).length,
      acts: this.#actsOn(key, partition),
    };
  }
}

function judge(partition: Partition, step: PulseStep): CommitOutcome {
  const { nextOffset } = partition.checkpoint;
  if (partition.epoch !== step.epoch) return 'fenced';
  if (step.checkpoint.nextOffset <= nextOffset) return 'already-applied';
  return step.from === nextOffset ? 'applied' : 'misaligned';
}

function arrivalsOf(columns: PulseColumns): readonly Arrival[] {
  return Array.from({ length: columns.count }, (_, index) => {
    const bytes = columns.bytes.subarray(columns.start[index], columns.end[index]);
    const receivedAt = columns.receivedAt[index];
    const offset = columns.offset[index];
    if (receivedAt === undefined || offset === undefined) {
      throw new RangeError(`Pulse ${index} of the step has no time or offset`);
    }
    const key = hexAt(columns.keys, index);
    return {
      key,
      digest: hexAt(columns.digests, index),
      pulse: decodePulse(bytes),
      receivedAt,
      offset,
    };
  });
}

/** What one new pulse adds to usage. */
function windowOfOne({ key, pulse }: Held): UsageTotal & { series: UsageSeries; start: number } {
  const { tenant, sku, unit, occurredAt } = pulse;
  const start = usageWindowOf(occurredAt);
  return { series: { tenant, sku, unit }, start, ...usageOf(unitsOf(pulse), occurredAt, key) };
}

function windowAt({ windows }: Partition, series: UsageSeries, start: number): Window {
  const name = nameOf(series, start);
  const empty = { series, start, total: NO_USAGE, version: 0, sentVersion: 0, forgotten: 0 };
  const window = windows.get(name) ?? empty;
  windows.set(name, window);
  return window;
}

function recordOf(partition: number, { series, start, total, version }: Window): UsageRecord {
  return { series, start, ...total, partition, version };
}

function emptyBooks(): Mutable<PulseBooks> {
  return { received: 0, counted: 0, duplicates: 0, conflicts: 0, voided: 0, deadLetters: 0 };
}

function nameOf({ tenant, sku, unit }: UsageSeries, start: number): string {
  return JSON.stringify([tenant, sku, unit, start]);
}

function unitsOf({ amount }: Pulse): bigint {
  return amount.mantissa * 10n ** BigInt(AMOUNT_SCALE - amount.scale);
}

function hexAt(hashes: Uint8Array, index: number): string {
  return Buffer.from(hashes.subarray(index * 16, index * 16 + 16)).toString('hex');
}

function byTimeAndKey(
  a: { readonly occurredAt: number; readonly key: string },
  b: { readonly occurredAt: number; readonly key: string },
): number {
  return a.occurredAt - b.occurredAt || (a.key < b.key ? -1 : Number(a.key > b.key));
}

function lastReceivedFirst(
  a: { readonly receivedAt: number; readonly arrival: number },
  b: { readonly receivedAt: number; readonly arrival: number },
): number {
  return b.receivedAt - a.receivedAt || b.arrival - a.arrival;
}

function sha256(...parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}
