/** What an audit of metering finds to differ, named so that an operator knows where to look. */
import { formatAmount } from '../../domain/metering/amount.ts';
import type { UsageSeries } from '../../domain/metering/pulse.ts';
import { isSameUsage, NO_USAGE, type UsageTotal } from '../../domain/metering/usage.ts';
import type { UsageRow } from '../../ports/pulse-ledger.ts';
import type { UsageLane } from './usage-truth.ts';

export interface MeteringDifference {
  /** As reports name it: `pulse ledger`, `held pulses`, `dead letters`, `rating book`, `charges`. */
  readonly store: string;
  /** Partitions of pulses that it concerns; of usage, which is added up over them, those that it may lie in. */
  readonly partitions: readonly number[];
  readonly series: UsageSeries | null;
  /** `[from, to)`, ms since the Unix epoch; null where it is of no time. */
  readonly window: { readonly from: number; readonly to: number } | null;
  /** What differs, in words. */
  readonly what: string;
  readonly expected: string;
  readonly found: string;
}

/** More are counted, and not kept. */
export const DIFFERENCES_MAX = 10_000;

/** A list of differences that no damage makes too long. */
export class DifferenceList {
  readonly kept: MeteringDifference[] = [];
  #total = 0;

  /** All that were added. */
  get total(): number {
    return this.#total;
  }

  add(...differences: readonly MeteringDifference[]): void {
    this.#total += differences.length;
    this.kept.push(...differences.slice(0, Math.max(0, DIFFERENCES_MAX - this.kept.length)));
  }
}

/** A number that a partition keeps of itself. Empty where both are the same. */
export function compareNumber(
  store: string,
  partition: number,
  what: string,
  expected: number,
  found: number,
): readonly MeteringDifference[] {
  if (expected === found) return [];
  const values = { expected: String(expected), found: String(found) };
  return [{ store, partitions: [partition], series: null, window: null, what, ...values }];
}

export interface ComparedUsage {
  readonly store: string;
  readonly expected: readonly UsageRow[];
  readonly found: readonly UsageRow[];
  /** Where a window's pulses lie. */
  readonly lanes: readonly UsageLane[];
  /** Whether least, greatest and last amount must agree, too. */
  readonly isWhole: boolean;
}

/** Windows of usage that differ; an absent one has nothing. Both lists are of the same bounds. */
export function compareUsage({
  store,
  expected,
  found,
  lanes,
  isWhole,
}: ComparedUsage): readonly MeteringDifference[] {
  const founds = new Map(found.map((row) => [nameOf(row), row]));
  const pairs: { readonly row: UsageRow; readonly left: UsageTotal; readonly right: UsageTotal }[] =
    [];
  for (const left of expected) {
    const right = founds.get(nameOf(left));
    founds.delete(nameOf(left));
    pairs.push({ row: left, left, right: right ?? NO_USAGE });
  }
  for (const right of founds.values()) pairs.push({ row: right, left: NO_USAGE, right });
  return pairs.flatMap(({ row, left, right }) => {
    if (isSameUsage(left, right)) return [];
    const { series, start: from, end: to } = row;
    const named = lanes.filter((lane) => isOf(lane, series) && hasWindow(lane, from, to));
    const isCounted = left.sum !== right.sum || left.count !== right.count;
    if (!isCounted && !isWhole) return [];
    return [
      {
        store,
        partitions: named.map(({ partition }) => partition).sort((a, b) => a - b),
        series,
        window: { from, to },
        what: isCounted ? 'usage' : 'least, greatest and last amount',
        expected: isCounted ? sumOf(left) : amountsOf(left),
        found: isCounted ? sumOf(right) : amountsOf(right),
      },
    ];
  });
}

/** As `12.5 in 3`: the sum, and how many pulses count. */
export function sumOf({ sum, count }: Pick<UsageTotal, 'sum' | 'count'>): string {
  return `${formatAmount(sum)} in ${count}`;
}

function amountsOf({ min, max, last, lastAt }: UsageTotal): string {
  const amounts = [min, max, last].map(formatAmount).join(', ');
  return `${amounts} at ${new Date(lastAt).toISOString()}`;
}

function nameOf({ series: { tenant, sku, unit }, start }: UsageRow): string {
  return JSON.stringify([tenant, sku, unit, start]);
}

function isOf({ series }: UsageLane, { tenant, sku, unit }: UsageSeries): boolean {
  return series.tenant === tenant && series.sku === sku && series.unit === unit;
}

function hasWindow({ windows }: UsageLane, from: number, to: number): boolean {
  for (const start of windows.keys()) if (start >= from && start < to) return true;
  return false;
}
