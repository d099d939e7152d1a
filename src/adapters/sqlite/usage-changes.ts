/** The usage windows that one step changes, each read once and written once. */
import { type UsageTotal, type UsageWindow, usageVersion } from '../../domain/metering/usage.ts';
import { addTotals } from '../../domain/metering/usage-sum.ts';
import type { PulseStep } from '../../ports/pulse-ledger.ts';
import type { PulseTables } from './pulse-tables.ts';
import type { UsageWindows, WindowPlace, WindowState } from './usage-windows.ts';

export interface UsageChange {
  readonly place: WindowPlace;
  readonly before: WindowState;
  total: UsageTotal;
}

export class UsageChanges {
  readonly #tables: PulseTables;
  readonly #windows: UsageWindows;
  readonly #partition: number;
  readonly #changes = new Map<string, UsageChange>();

  constructor(tables: PulseTables, windows: UsageWindows, partition: number) {
    this.#tables = tables;
    this.#windows = windows;
    this.#partition = partition;
  }

  add(windows: readonly UsageWindow[]): void {
    for (const { series, start, ...addition } of windows) {
      const change = this.at(this.#tables.seriesNumber(series), start);
      change.total = change.total.count === 0 ? addition : addTotals(change.total, addition);
    }
  }

  /** The window as the step has it so far; it counts as changed from now on. */
  at(series: number, start: number): UsageChange {
    const name = `${series} ${start}`;
    const known = this.#changes.get(name);
    if (known !== undefined) return known;
    const place = { partition: this.#partition, series, start };
    const before = this.#windows.read(place);
    const change = { place, before, total: before.total };
    this.#changes.set(name, change);
    return change;
  }

  write({ epoch, checkpoint }: PulseStep): void {
    const version = usageVersion(epoch, checkpoint.nextOffset);
    for (const { place, before, total } of this.#changes.values()) {
      this.#windows.write(place, total, Math.max(version, before.version + 1));
    }
  }
}
