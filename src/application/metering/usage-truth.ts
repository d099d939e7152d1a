/** Usage as the log gives it, window by window and partition by partition, and what is found of its pulses. */
import type { UsageSeries } from '../../domain/metering/pulse.ts';
import { NO_USAGE, type UsageTotal, type UsageWindow } from '../../domain/metering/usage.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Pulses of one window, added up. */
export interface HeldTotal {
  /** Voided ones, too. */
  pulses: number;
  counted: number;
  /** Of those that count, in 10^-AMOUNT_SCALE. */
  sum: bigint;
}

export interface TrueWindow {
  /** What the log gives. */
  readonly total: Mutable<UsageTotal>;
  voided: number;
  /** What the ledger's own pulses come to. */
  readonly held: HeldTotal;
}

/** One series in one partition. */
export interface UsageLane {
  readonly partition: number;
  readonly series: UsageSeries;
  /** By their starts. */
  readonly windows: Map<number, TrueWindow>;
}

export class UsageTruth {
  readonly #lanes = new Map<string, UsageLane>();
  readonly #byTenant = new Map<string, UsageLane[]>();

  lane(partition: number, series: UsageSeries): UsageLane {
    const { tenant, sku, unit } = series;
    const name = JSON.stringify([partition, tenant, sku, unit]);
    const known = this.#lanes.get(name);
    if (known !== undefined) return known;
    const lane: UsageLane = { partition, series: { tenant, sku, unit }, windows: new Map() };
    this.#lanes.set(name, lane);
    const others = this.#byTenant.get(tenant);
    if (others === undefined) this.#byTenant.set(tenant, [lane]);
    else others.push(lane);
    return lane;
  }

  ofTenant(tenant: string): readonly UsageLane[] {
    return this.#byTenant.get(tenant) ?? [];
  }
}

export function windowOf({ windows }: UsageLane, start: number): TrueWindow {
  const known = windows.get(start);
  if (known !== undefined) return known;
  const held = { pulses: 0, counted: 0, sum: 0n };
  const window = { total: { ...NO_USAGE }, voided: 0, held };
  windows.set(start, window);
  return window;
}

/** Adds a pulse that counts; `key()` gives its 32 hex digits. */
export function addPulse(
  { total }: TrueWindow,
  amount: bigint,
  occurredAt: number,
  key: () => string,
): void {
  const isFirst = total.count === 0;
  total.sum += amount;
  total.count += 1;
  if (isFirst || amount < total.min) total.min = amount;
  if (isFirst || amount > total.max) total.max = amount;
  if (!isFirst && occurredAt < total.lastAt) return;
  const itsKey = key();
  if (!isFirst && occurredAt === total.lastAt && itsKey < total.lastKey) return;
  total.last = amount;
  total.lastAt = occurredAt;
  total.lastKey = itsKey;
}

/** What the lanes come to, for whoever adds usage up. */
export function* windowsOf(lanes: readonly UsageLane[]): Generator<UsageWindow> {
  for (const { series, windows } of lanes) {
    for (const [start, { total }] of windows) yield { series, start, ...total };
  }
}
