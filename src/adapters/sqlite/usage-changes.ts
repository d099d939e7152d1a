/** The usage windows that one step changes, and their rollups, each read once and written once. */
import {
  NO_USAGE,
  type UsageTotal,
  type UsageWindow,
  usageVersion,
} from '../../domain/metering/usage.ts';
import { USAGE_ROLLUPS_MS, usageRollupOf } from '../../domain/metering/usage-spans.ts';
import { addTotals } from '../../domain/metering/usage-sum.ts';
import type { PulseStep } from '../../ports/pulse-ledger.ts';
import type { PulseTables } from './pulse-tables.ts';
import type { UsageRollups } from './usage-rollups.ts';
import type { UsageWindows, WindowPlace, WindowState } from './usage-windows.ts';

const [SHORTEST_MS] = USAGE_ROLLUPS_MS;

export interface UsageChange {
  readonly place: WindowPlace;
  readonly before: WindowState;
  total: UsageTotal;
}

/** What a step does to a window, or to a rollup. */
interface Movement {
  readonly series: number;
  readonly start: number;
  /** What the step adds. */
  total: UsageTotal;
  /** A window of it is no longer what it was and something more. */
  isReplaced: boolean;
}

export class UsageChanges {
  readonly #tables: PulseTables;
  readonly #windows: UsageWindows;
  readonly #rollups: UsageRollups;
  readonly #partition: number;
  readonly #changes = new Map<string, UsageChange>();
  /** By the shortest rollups: the longer ones follow from them. */
  readonly #movements = new Map<string, Movement>();

  constructor(
    tables: PulseTables,
    windows: UsageWindows,
    rollups: UsageRollups,
    partition: number,
  ) {
    this.#tables = tables;
    this.#windows = windows;
    this.#rollups = rollups;
    this.#partition = partition;
  }

  add(windows: readonly UsageWindow[]): void {
    for (const { series, start, ...addition } of windows) {
      const number = this.#tables.seriesNumber(series);
      const change = this.#windowAt(number, start);
      change.total = plus(change.total, addition);
      const movement = movementAt(this.#movements, number, start, SHORTEST_MS);
      movement.total = plus(movement.total, addition);
    }
  }

  /** The window as the step has it so far, to be replaced: it counts as changed from now on. */
  at(series: number, start: number): UsageChange {
    movementAt(this.#movements, series, start, SHORTEST_MS).isReplaced = true;
    return this.#windowAt(series, start);
  }

  write({ epoch, checkpoint }: PulseStep): void {
    const version = usageVersion(epoch, checkpoint.nextOffset);
    for (const { place, before, total } of this.#changes.values()) {
      this.#windows.write(place, total, Math.max(version, before.version + 1));
    }
    let movements: ReadonlyMap<string, Movement> = this.#movements;
    // The shorter first, of which the longer are added up where something was replaced.
    for (const lengthMs of USAGE_ROLLUPS_MS) {
      movements = joined(movements, lengthMs);
      for (const { series, start, total, isReplaced } of movements.values()) {
        const place = { partition: this.#partition, series, start, lengthMs };
        if (isReplaced) this.#rollups.addUp(place);
        else this.#rollups.add(place, total);
      }
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
}

/** The movements by rollups of this length, of which theirs are parts. */
function joined(
  movements: ReadonlyMap<string, Movement>,
  lengthMs: number,
): ReadonlyMap<string, Movement> {
  if (lengthMs === SHORTEST_MS) return movements;
  const longer = new Map<string, Movement>();
  for (const { series, start, total, isReplaced } of movements.values()) {
    const movement = movementAt(longer, series, start, lengthMs);
    movement.total = plus(movement.total, total);
    movement.isReplaced ||= isReplaced;
  }
  return longer;
}

function movementAt(
  movements: Map<string, Movement>,
  series: number,
  instant: number,
  lengthMs: number,
): Movement {
  const start = usageRollupOf(instant, lengthMs);
  const name = `${series} ${start}`;
  const known = movements.get(name);
  if (known !== undefined) return known;
  const movement = { series, start, total: NO_USAGE, isReplaced: false };
  movements.set(name, movement);
  return movement;
}

function plus(total: UsageTotal, addition: UsageTotal): UsageTotal {
  if (addition.count === 0) return total;
  return total.count === 0 ? addition : addTotals(total, addition);
}
