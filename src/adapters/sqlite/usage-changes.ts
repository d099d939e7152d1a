/** The usage windows that one step changes, and their days, each read once and written once. */
import {
  NO_USAGE,
  type UsageTotal,
  type UsageWindow,
  usageVersion,
} from '../../domain/metering/usage.ts';
import { usageDayOf } from '../../domain/metering/usage-spans.ts';
import { addTotals } from '../../domain/metering/usage-sum.ts';
import type { PulseStep } from '../../ports/pulse-ledger.ts';
import type { PulseTables } from './pulse-tables.ts';
import type { DayPlace, UsageDays } from './usage-days.ts';
import type { UsageWindows, WindowPlace, WindowState } from './usage-windows.ts';

export interface UsageChange {
  readonly place: WindowPlace;
  readonly before: WindowState;
  total: UsageTotal;
}

interface DayChange {
  readonly place: DayPlace;
  /** What the step adds. */
  total: UsageTotal;
  /** A window of it is no longer what it was and something more. */
  isReplaced: boolean;
}

export class UsageChanges {
  readonly #tables: PulseTables;
  readonly #windows: UsageWindows;
  readonly #days: UsageDays;
  readonly #partition: number;
  readonly #changes = new Map<string, UsageChange>();
  readonly #dayChanges = new Map<string, DayChange>();

  constructor(tables: PulseTables, windows: UsageWindows, days: UsageDays, partition: number) {
    this.#tables = tables;
    this.#windows = windows;
    this.#days = days;
    this.#partition = partition;
  }

  add(windows: readonly UsageWindow[]): void {
    for (const { series, start, ...addition } of windows) {
      const number = this.#tables.seriesNumber(series);
      for (const change of [this.#windowAt(number, start), this.#dayAt(number, start)]) {
        change.total = change.total.count === 0 ? addition : addTotals(change.total, addition);
      }
    }
  }

  /** The window as the step has it so far, to be replaced: it counts as changed from now on. */
  at(series: number, start: number): UsageChange {
    this.#dayAt(series, start).isReplaced = true;
    return this.#windowAt(series, start);
  }

  write({ epoch, checkpoint }: PulseStep): void {
    const version = usageVersion(epoch, checkpoint.nextOffset);
    for (const { place, before, total } of this.#changes.values()) {
      this.#windows.write(place, total, Math.max(version, before.version + 1));
    }
    for (const { place, total, isReplaced } of this.#dayChanges.values()) {
      if (isReplaced) this.#days.addUp(place);
      else this.#days.add(place, total);
    }
  }

  #windowAt(series: number, start: number): UsageChange {
    const name = `${series} ${start}`;
    const known = this.#changes.get(name);
    if (known !== undefined) return known;
    const place = { partition: this.#partition, series, start };
    const before = this.#windows.read(place);
    const change = { place, before, total: before.total };
    this.#changes.set(name, change);
    return change;
  }

  #dayAt(series: number, start: number): DayChange {
    const day = usageDayOf(start);
    const name = `${series} ${day}`;
    const known = this.#dayChanges.get(name);
    if (known !== undefined) return known;
    const place = { partition: this.#partition, series, start: day };
    const change = { place, total: NO_USAGE, isReplaced: false };
    this.#dayChanges.set(name, change);
    return change;
  }
}
