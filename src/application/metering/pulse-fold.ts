/**
 * Folds a partition of pulses for an audit: which count, which come again, which contradict the first of
 * their key. Of a partition that has more keys than memory holds it takes one slice at a time.
 */
import { pulseKeyAt } from '../../domain/metering/pulse-identity.ts';
import { usageWindowOf } from '../../domain/metering/usage.ts';
import { hashWords, KeyTable } from './key-table.ts';
import type { PulseLogPart } from './pulse-log-part.ts';
import { addPulse, type UsageLane, type UsageTruth, windowOf } from './usage-truth.ts';

const WORDS = 4;

export interface FoldedPulses {
  readonly counted: number;
  readonly duplicates: number;
  readonly conflicts: number;
}

export const NO_PULSES: FoldedPulses = { counted: 0, duplicates: 0, conflicts: 0 };

export function sumOfPulses(some: FoldedPulses, others: FoldedPulses): FoldedPulses {
  return {
    counted: some.counted + others.counted,
    duplicates: some.duplicates + others.duplicates,
    conflicts: some.conflicts + others.conflicts,
  };
}

export interface PulseFoldOptions {
  readonly partition: number;
  /** Takes the keys of slice `slice` of so many. */
  readonly slice: number;
  readonly slices: number;
  /** Takes pulses of these tenants alone; null: of all. A key belongs to one tenant. */
  readonly tenants: ReadonlySet<string> | null;
  /** Keys (32 hex digits) that acts are about: they count here, and are added to no window. */
  readonly targets: ReadonlySet<string>;
  readonly truth: UsageTruth;
}

export class PulseFold {
  readonly #options: PulseFoldOptions;
  readonly #keys = new KeyTable();
  #duplicates = 0;
  #conflicts = 0;

  constructor(options: PulseFoldOptions) {
    this.#options = options;
  }

  get folded(): FoldedPulses {
    return {
      counted: this.#keys.size,
      duplicates: this.#duplicates,
      conflicts: this.#conflicts,
    };
  }

  /** Parts come in the order of the log. */
  add({ pulses }: Pick<PulseLogPart, 'pulses'>): void {
    const { partition, slice, slices, tenants, targets, truth } = this.#options;
    const { count, series, seriesIndex, amounts, occurredAt } = pulses;
    const lanes = series.map((one): UsageLane | null =>
      tenants === null || tenants.has(one.tenant) ? truth.lane(partition, one) : null,
    );
    const keys = hashWords(pulses.keys.subarray(0, count * WORDS * 4));
    const digests = hashWords(pulses.digests.subarray(0, count * WORDS * 4));
    for (let index = 0; index < count; index += 1) {
      const lane = lanes[seriesIndex[index] as number] as UsageLane | null;
      if (lane === null) continue;
      if (slices > 1 && ((keys[index * WORDS + 1] as number) >>> 0) % slices !== slice) continue;
      const verdict = this.#keys.judge(keys, digests, index);
      if (verdict === 'same') this.#duplicates += 1;
      else if (verdict === 'other') this.#conflicts += 1;
      else {
        const key = (): string => pulseKeyAt(pulses.keys, index);
        if (targets.size > 0 && targets.has(key())) continue;
        const at = occurredAt[index] as number;
        addPulse(windowOf(lane, usageWindowOf(at)), amounts[index] as bigint, at, key);
      }
    }
  }
}
