/** Adds usage up anew from the pulses that the ledger on SQLite holds, and puts right what differs. */
import {
  isSameUsage,
  NO_USAGE,
  type UsageRecord,
  type UsageTotal,
  usageVersion,
} from '../../domain/metering/usage.ts';
import { USAGE_DAY_MS, usageRollupOf } from '../../domain/metering/usage-spans.ts';
import type { HeldPulses } from './held-pulses.ts';
import type { PulseTables } from './pulse-tables.ts';
import type { UsageRollups } from './usage-rollups.ts';
import type { UsageWindows, WindowPlace } from './usage-windows.ts';

interface RecountedWindow {
  readonly place: WindowPlace;
  readonly total: UsageTotal;
}

export class UsageRecomputation {
  readonly #tables: PulseTables;
  readonly #held: HeldPulses;
  readonly #windows: UsageWindows;
  readonly #rollups: UsageRollups;

  constructor(tables: PulseTables, held: HeldPulses, windows: UsageWindows, rollups: UsageRollups) {
    this.#tables = tables;
    this.#held = held;
    this.#windows = windows;
    this.#rollups = rollups;
  }

  /** The tenant's windows of the partition that start in `[from, to)` and differed, as they are now. */
  putRight(tenant: number, partition: number, from: number, to: number): readonly UsageRecord[] {
    const recounted = this.#recounted(tenant, partition, from, to);
    const { nextOffset } = this.#tables.checkpoint(partition);
    const version = usageVersion(this.#tables.epoch(partition), nextOffset) + 1;
    const put = recounted.flatMap(({ place, total }) => {
      const stands = this.#windows.read(place);
      if (stands.forgotten > 0 || isSameUsage(stands.total, total)) return [];
      const next = Math.max(version, stands.version + 1);
      this.#windows.write(place, total, next);
      const series = this.#tables.seriesOf(place.series);
      return [{ series, start: place.start, ...total, partition, version: next }];
    });
    // Of windows that did not differ, too: what the file may hold wrongly is the rollup itself.
    this.#addUpRollups(recounted);
    return put;
  }

  #recounted(
    tenant: number,
    partition: number,
    from: number,
    to: number,
  ): readonly RecountedWindow[] {
    const totals = new Map<string, RecountedWindow>();
    for (const { series, start } of this.#windows.ofTenant(tenant, partition, from, to)) {
      totals.set(`${series} ${start}`, { place: { partition, series, start }, total: NO_USAGE });
    }
    for (const window of this.#held.addUpTenant(tenant, partition, from, to)) {
      totals.set(`${window.place.series} ${window.place.start}`, window);
    }
    return [...totals.values()];
  }

  #addUpRollups(windows: readonly RecountedWindow[]): void {
    const byDay = windows.map(({ place }) => {
      return [`${place.series} ${usageRollupOf(place.start, USAGE_DAY_MS)}`, place] as const;
    });
    for (const place of new Map(byDay).values()) this.#rollups.addUpDay(place);
  }
}
