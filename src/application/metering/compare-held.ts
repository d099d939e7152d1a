/** Compares the pulses that the ledger holds with what the log gives, window by window. */
import { USAGE_WINDOW_MS } from '../../domain/metering/usage.ts';
import { type MeteringDifference, sumOf } from './metering-difference.ts';
import type { TrueWindow, UsageLane } from './usage-truth.ts';

/**
 * Windows whose held pulses differ. Where the partition has forgotten some, a window
 * may hold fewer than the log gives; never more, and never another sum of as many.
 */
export function compareHeld(
  lanes: readonly UsageLane[],
  hasForgotten: (partition: number) => boolean,
): readonly MeteringDifference[] {
  return lanes.flatMap(({ partition, series, windows }) =>
    [...windows].flatMap(([from, window]) => {
      if (isHeld(window, hasForgotten(partition))) return [];
      const { total, voided, held } = window;
      return [
        {
          store: 'held pulses',
          partitions: [partition],
          series,
          window: { from, to: from + USAGE_WINDOW_MS },
          what: 'pulses that are held',
          expected: `${sumOf(total)} and ${voided} voided`,
          found: `${sumOf({ sum: held.sum, count: held.counted })} and ${held.pulses - held.counted} voided`,
        },
      ];
    }),
  );
}

function isHeld({ total, voided, held }: TrueWindow, mayLack: boolean): boolean {
  if (mayLack && held.pulses < total.count + voided) return held.counted <= total.count;
  return (
    held.pulses === total.count + voided && held.counted === total.count && held.sum === total.sum
  );
}
