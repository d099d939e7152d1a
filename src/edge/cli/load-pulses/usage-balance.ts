/**
 * The balance sheet of a run of pulses: what was acknowledged, series by series, against what the server
 * says was used, to the last decimal.
 *
 * Exact means: sent = accepted + rejected + unknown; and in every series the usage has grown by the sum
 * and the count of the accepted pulses and of the unknown ones that the ledger has, and by nothing else.
 */
import { formatAmount } from '../../../domain/metering/amount.ts';
import { AMOUNT_SCALE } from '../../../domain/metering/pulse.ts';
import type { DeliveryJournal, JournalTotals } from '../load/delivery-journal.ts';
import type { DuplicateCounts } from './pulse-generator.ts';
import type { PulsePlan } from './pulse-plan.ts';
import { NO_USAGE, type Usage } from './usage-books.ts';

/**
 * - `sums_differ`: the journal's totals are not what was noted while pulses left and answers came.
 * - `usage_differs`: usage of a series has not grown by what was acknowledged.
 * - `duplicate_rejected`: an accepted pulse, sent again, was rejected.
 * - `unresolved`: unknown pulses of which nobody was asked, because they are too many.
 */
export type PulseViolationKind =
  | 'sums_differ'
  | 'usage_differs'
  | 'duplicate_rejected'
  | 'unresolved';

export interface PulseViolation {
  readonly kind: PulseViolationKind;
  readonly count: number;
  /** The first series or figures that it concerns. */
  readonly first: readonly string[];
}

export interface PulseBalance {
  /** Of the accepted pulses, and of the unknown ones that the ledger has, over all series. */
  readonly expected: Usage;
  /** By what usage has grown. */
  readonly usage: Usage;
  readonly series: number;
  /** Unknown pulses that the ledger has. */
  readonly countedUnknown: number;
  readonly violations: readonly PulseViolation[];
  readonly exact: boolean;
}

/** What was noted outside the journal while the run went on. */
export interface PulseRunNotes {
  readonly sent: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly unknown: number;
  readonly duplicates: DuplicateCounts;
}

const NAMED_MAX = 10;
const ONE = 10n ** BigInt(AMOUNT_SCALE);
const BILLION = 1_000_000_000n;
/** A double adds up so many parts of nine digits exactly. */
const PARTS_MAX = 4_000_000;

/** Adds amounts up exactly, without a large number for each of them. */
class AmountSum {
  #total = 0n;
  #whole = 0;
  #high = 0;
  #low = 0;
  #parts = 0;
  count = 0;

  add({
    whole,
    high,
    low,
  }: {
    readonly whole: number;
    readonly high: number;
    readonly low: number;
  }) {
    this.#whole += whole;
    this.#high += high;
    this.#low += low;
    this.#parts += 1;
    this.count += 1;
    if (this.#parts === PARTS_MAX) this.#fold();
  }

  get usage(): Usage {
    this.#fold();
    return { sum: this.#total, count: this.count };
  }

  #fold(): void {
    this.#total += BigInt(this.#whole) * ONE + BigInt(this.#high) * BILLION + BigInt(this.#low);
    this.#whole = 0;
    this.#high = 0;
    this.#low = 0;
    this.#parts = 0;
  }
}

/** What the accepted pulses add to usage of each series of the plan, in the plan's order. */
export function acceptedUsage(journal: DeliveryJournal, plan: PulsePlan): readonly Usage[] {
  const accepted = function* () {
    for (let pulse = 0; pulse < journal.total; pulse += 1) {
      if (journal.stateOf(pulse) === 'accepted') yield pulse;
    }
  };
  return usageOf(accepted(), plan);
}

/** What these pulses add to usage of each series of the plan, in the plan's order. */
export function usageOf(pulses: Iterable<number>, plan: PulsePlan): readonly Usage[] {
  const sums = plan.series.map(() => new AmountSum());
  for (const pulse of pulses) sums[plan.seriesOf(pulse)]?.add(plan.amountOf(pulse));
  return sums.map(({ usage }) => usage);
}

export function addUsage(left: Usage, right: Usage): Usage {
  return { sum: left.sum + right.sum, count: left.count + right.count };
}

/** Pulses whose outcome nobody has said, at most `max`. */
export function unknownPulses(journal: DeliveryJournal, max: number): readonly number[] {
  const unknown: number[] = [];
  for (let pulse = 0; pulse < journal.total && unknown.length < max; pulse += 1) {
    const state = journal.stateOf(pulse);
    if (state === 'unknown' || state === 'sent') unknown.push(pulse);
  }
  return unknown;
}

/** One series: by what its usage must have grown, and by what it has. */
export interface SeriesGrowth {
  readonly name: string;
  readonly expected: Usage;
  readonly usage: Usage;
}

export function isEven({ expected, usage }: SeriesGrowth): boolean {
  return expected.sum === usage.sum && expected.count === usage.count;
}

export function drawPulseBalance(
  totals: JournalTotals,
  notes: PulseRunNotes,
  series: readonly SeriesGrowth[],
  unknown: { readonly asked: number; readonly counted: number },
): PulseBalance {
  const violations = [
    violation('sums_differ', unevenSums(totals, notes)),
    violation('usage_differs', series.filter((one) => !isEven(one)).map(differenceIn)),
    violation(
      'duplicate_rejected',
      notes.duplicates.rejected === 0 ? [] : [`${notes.duplicates.rejected} pulses`],
    ),
    violation(
      'unresolved',
      unknown.asked === totals.unknown ? [] : [`${totals.unknown - unknown.asked} pulses`],
    ),
  ].filter(({ count }) => count > 0);
  return {
    expected: total(series.map(({ expected }) => expected)),
    usage: total(series.map(({ usage }) => usage)),
    series: series.length,
    countedUnknown: unknown.counted,
    violations,
    exact: violations.length === 0,
  };
}

function violation(kind: PulseViolationKind, names: readonly string[]): PulseViolation {
  return { kind, count: names.length, first: names.slice(0, NAMED_MAX) };
}

function unevenSums(totals: JournalTotals, notes: PulseRunNotes): readonly string[] {
  const pairs = [
    ['sent', totals.sent, notes.sent],
    ['accepted', totals.accepted, notes.accepted],
    ['rejected', totals.rejected, notes.rejected],
    ['unknown', totals.unknown, notes.unknown],
    ['sum', totals.accepted + totals.rejected + totals.unknown, totals.sent],
  ] as const;
  return pairs.flatMap(([name, journal, noted]) =>
    journal === noted ? [] : [`${name}: ${journal}, noted ${noted}`],
  );
}

function differenceIn({ name, expected, usage }: SeriesGrowth): string {
  return (
    `${name}: usage ${formatAmount(usage.sum)} of ${usage.count} pulses, ` +
    `acknowledged ${formatAmount(expected.sum)} of ${expected.count}; ` +
    `difference ${formatAmount(usage.sum - expected.sum)} of ${usage.count - expected.count}`
  );
}

function total(parts: readonly Usage[]): Usage {
  return parts.reduce(addUsage, NO_USAGE);
}
