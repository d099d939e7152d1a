/** A rating book that lives and dies with the process: the model that durable ones are held to. */

import { type Checkpoint, START } from '../../domain/counting/checkpoint.ts';
import type { TimeWindow } from '../../domain/counting/time-window.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { BillingPeriod, Charge, UnpricedUsage } from '../../domain/metering/charge.ts';
import { checkChargeChange } from '../../domain/metering/charge-change.ts';
import {
  chargeCursorAt,
  chargePlaceOf,
  compareEnds,
  comparePeriods,
  comparePlaces,
  compareUnpriced,
  periodKey,
  placeAtCursor,
} from '../../domain/metering/charge-order.ts';
import { USAGE_WINDOW_MS, type UsageRecord } from '../../domain/metering/usage.ts';
import { addUpUsage } from '../../domain/metering/usage-sum.ts';
import { compareTexts } from '../../domain/text-order.ts';
import type { UsageFilter, UsageRow } from '../../ports/pulse-ledger.ts';
import type {
  ChargeChange,
  ChargeFilter,
  ChargePage,
  DueRating,
  PeriodRecord,
  RatingBook,
  ThresholdEvent,
  UsageStep,
} from '../../ports/rating-book.ts';
import type { CommitOutcome } from '../../ports/store-step.ts';
import { MemoryDeadLetters } from './dead-letters.ts';

/** What a rating book holds, apart from its handles: it outlives them as a server or a file would. */
export class MemoryRatingStore {
  readonly logId: string;
  readonly deadLetters: MemoryDeadLetters;
  readonly partitions = new Map<number, { epoch: number; checkpoint: Checkpoint }>();
  /** The newest record of each window in each partition. */
  readonly usage = new Map<string, UsageRecord>();
  /** By tenant, in the order in which they became due. */
  readonly due = new Map<string, DueRating>();
  dueVersion = 0;
  readonly periods = new Map<string, PeriodRecord>();
  readonly charges = new Map<string, Charge>();
  unpriced: UnpricedUsage[] = [];
  readonly revisions = new Map<string, number>();
  /** Oldest first. */
  readonly events: ThresholdEvent[] = [];

  /** `deadLetters`: where its steps report to, shared with a pulse ledger where there is one. */
  constructor(logId: string, deadLetters: MemoryDeadLetters = new MemoryDeadLetters()) {
    this.logId = logId;
    this.deadLetters = deadLetters;
  }
}

export class MemoryRatingBook implements RatingBook {
  readonly deadLetters: MemoryDeadLetters;
  readonly #store: MemoryRatingStore;
  readonly #logId: string;

  constructor(store: MemoryRatingStore, logId: string = store.logId) {
    this.deadLetters = store.deadLetters;
    this.#store = store;
    this.#logId = logId;
  }

  async takeOver(partition: number): Promise<{ epoch: number; checkpoint: Checkpoint }> {
    if (this.#logId !== this.#store.logId) {
      throw new ApuraError('log_mismatch', `The book belongs to the log ${this.#store.logId}`);
    }
    const before = this.#store.partitions.get(partition);
    const taken = { epoch: (before?.epoch ?? 0) + 1, checkpoint: before?.checkpoint ?? START };
    this.#store.partitions.set(partition, taken);
    return taken;
  }

  async checkpoint(partition: number): Promise<Checkpoint> {
    return this.#store.partitions.get(partition)?.checkpoint ?? START;
  }

  async commit(step: UsageStep): Promise<CommitOutcome> {
    // Everything that can fail comes before the first change, and works on a copy.
    const { partition, epoch, from, checkpoint, records, deadLetters } = structuredClone(step);
    const held = this.#store.partitions.get(partition);
    if (held === undefined || held.epoch !== epoch) return 'fenced';
    if (checkpoint.nextOffset <= held.checkpoint.nextOffset) return 'already-applied';
    if (from !== held.checkpoint.nextOffset) return 'misaligned';
    this.#store.partitions.set(partition, { epoch, checkpoint });
    this.#take(records);
    this.#store.deadLetters.report(deadLetters);
    return 'applied';
  }

  async accept(records: readonly UsageRecord[]): Promise<number> {
    return this.#take(structuredClone(records));
  }

  async makeDue(tenant: string, from: number, to: number): Promise<void> {
    this.#makeDue(tenant, from, to);
  }

  async due(limit: number): Promise<readonly DueRating[]> {
    return [...this.#store.due.values()].slice(0, limit);
  }

  async usage(
    filter: UsageFilter,
    bounds: readonly number[],
    rowsMax: number,
  ): Promise<readonly UsageRow[]> {
    const { tenant, sku, unit, from, to } = filter;
    const wanted = [...this.#store.usage.values()].filter(
      ({ series, start }) =>
        (tenant === null || series.tenant === tenant) &&
        (sku === null || series.sku === sku) &&
        (unit === null || series.unit === unit) &&
        start >= from &&
        start < to,
    );
    return addUpUsage(wanted, bounds, rowsMax);
  }

  async tenants(from: number, to: number): Promise<readonly string[]> {
    const used = [...this.#store.usage.values()].filter(
      ({ start, count }) => count > 0 && start >= from && start < to,
    );
    return [...new Set(used.map(({ series }) => series.tenant))].sort(compareTexts);
  }

  async periods(tenant: string, from: number, to: number): Promise<readonly PeriodRecord[]> {
    return [...this.#store.periods.values()]
      .filter((period) => isWanted(period, { tenant, from, to }))
      .sort(comparePeriods);
  }

  async periodsToFinish(before: number, limit: number): Promise<readonly PeriodRecord[]> {
    return [...this.#store.periods.values()]
      .filter(({ to, state }) => to <= before && state !== 'final')
      .sort(compareEnds)
      .slice(0, limit);
  }

  async revision(tenant: string): Promise<number> {
    return this.#store.revisions.get(tenant) ?? 0;
  }

  async putCharges(change: ChargeChange): Promise<'stored' | 'conflict'> {
    const copy = structuredClone(change);
    checkChargeChange(copy);
    const { tenant, expectedRevision, periods, charges, unpriced, unpricedRange: range } = copy;
    const store = this.#store;
    const revision = store.revisions.get(tenant) ?? 0;
    const isFinal = periods.some((one) => store.periods.get(periodKey(one))?.state === 'final');
    const replaced = store.unpriced.filter(
      (usage) => range !== null && isWanted(spanOf(usage), { tenant, ...range }),
    );
    const isCut = replaced.some(
      ({ from, to }) => range === null || from < range.from || to > range.to,
    );
    if (revision !== expectedRevision || isFinal || isCut) return 'conflict';
    const keys = new Set(periods.map(periodKey));
    const others = [...store.charges.values()].filter(({ period }) => !keys.has(periodKey(period)));
    const taken = new Set(others.map(({ id }) => id));
    const twice = charges.find(({ id }) => taken.has(id));
    if (twice !== undefined) throw new RangeError(`Another period has the charge ${twice.id}.`);

    store.revisions.set(tenant, revision + 1);
    for (const period of periods) store.periods.set(periodKey(period), period);
    for (const { id, period } of [...store.charges.values()]) {
      if (keys.has(periodKey(period))) store.charges.delete(id);
    }
    for (const charge of charges) store.charges.set(charge.id, charge);
    store.unpriced = [...store.unpriced.filter((usage) => !replaced.includes(usage)), ...unpriced];
    for (const event of copy.events) this.#raise(event);
    if (copy.due !== null) this.#settle(copy.due);
    return 'stored';
  }

  async charges(filter: ChargeFilter, cursor: string | null, limit: number): Promise<ChargePage> {
    const after = cursor === null ? null : placeAtCursor(cursor);
    const rest = [...this.#store.charges.values()]
      .filter(({ period }) => isWanted(period, filter))
      .filter((charge) => after === null || comparePlaces(after, chargePlaceOf(charge)) < 0)
      .sort((left, right) => comparePlaces(chargePlaceOf(left), chargePlaceOf(right)));
    const charges = rest.slice(0, limit);
    const last = charges.at(-1);
    const hasMore = last !== undefined && rest.length > limit;
    return { charges, nextCursor: hasMore ? chargeCursorAt(chargePlaceOf(last)) : null };
  }

  async charge(id: string): Promise<Charge | null> {
    return this.#store.charges.get(id) ?? null;
  }

  async unpriced(filter: ChargeFilter, limit: number): Promise<readonly UnpricedUsage[]> {
    return this.#store.unpriced
      .filter((usage) => isWanted(spanOf(usage), filter))
      .sort(compareUnpriced)
      .slice(0, limit);
  }

  async unpricedSpan(tenant: string, from: number, to: number): Promise<TimeWindow | null> {
    const found = this.#store.unpriced.filter((usage) =>
      isWanted(spanOf(usage), { tenant, from, to }),
    );
    if (found.length === 0) return null;
    return {
      from: Math.min(...found.map((usage) => usage.from)),
      to: Math.max(...found.map((usage) => usage.to)),
    };
  }

  async events(tenant: string | null, limit: number): Promise<readonly ThresholdEvent[]> {
    return this.#store.events
      .filter((event) => tenant === null || event.tenant === tenant)
      .reverse()
      .slice(0, limit);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** Keeps what is newer than what is there; resolves to how many windows that changed. */
  #take(records: readonly UsageRecord[]): number {
    const changed = new Set<string>();
    for (const record of records) {
      const { partition, series, start, version } = record;
      const key = JSON.stringify([partition, series.tenant, series.sku, series.unit, start]);
      if (version <= (this.#store.usage.get(key)?.version ?? 0)) continue;
      this.#store.usage.set(key, record);
      changed.add(key);
      this.#makeDue(series.tenant, start, start + USAGE_WINDOW_MS);
    }
    return changed.size;
  }

  #makeDue(tenant: string, from: number, to: number): void {
    const before = this.#store.due.get(tenant);
    this.#store.dueVersion += 1;
    this.#store.due.set(tenant, {
      tenant,
      from: Math.min(from, before?.from ?? from),
      to: Math.max(to, before?.to ?? to),
      version: this.#store.dueVersion,
    });
  }

  #settle(due: DueRating): void {
    const now = this.#store.due.get(due.tenant);
    if (now === undefined) return;
    this.#store.due.delete(due.tenant);
    // It has changed meanwhile: it stays due, behind those who have waited longer.
    if (now.version !== due.version) this.#store.due.set(due.tenant, now);
  }

  #raise(event: ThresholdEvent): void {
    const isRaised = this.#store.events.some(
      ({ threshold, period, sku, unit, thresholdAmount }) =>
        threshold === event.threshold &&
        periodKey(period) === periodKey(event.period) &&
        sku === event.sku &&
        unit === event.unit &&
        thresholdAmount === event.thresholdAmount,
    );
    if (!isRaised) this.#store.events.push(event);
  }
}

type Span = Pick<BillingPeriod, 'tenant' | 'from' | 'to'>;

function spanOf({ series, from, to }: UnpricedUsage): Span {
  return { tenant: series.tenant, from, to };
}

function isWanted({ tenant, from, to }: Span, filter: ChargeFilter): boolean {
  return (
    (filter.tenant === null || filter.tenant === tenant) && from < filter.to && to > filter.from
  );
}
