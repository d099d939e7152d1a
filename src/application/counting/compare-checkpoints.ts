/** Compares where stores stand: what an owner would go on with must be the truth, as the counts must. */
import type { Checkpoint } from '../../domain/counting/checkpoint.ts';
import type { Difference } from './compare-counts.ts';
import { NO_SCOPE } from './sync-report.ts';

const POSITION = 'position, of a log that ends before it';
const CHECKSUM = 'checksum of the last block';

/** All differences of `found` from `expected`, both of the same next offset. */
export function compareCheckpoints(
  partition: number,
  expected: Checkpoint,
  found: Checkpoint,
): readonly Difference[] {
  const pairs = [
    [CHECKSUM, expected.lastBlockCrc, found.lastBlockCrc],
    ['log time', expected.logTime, found.logTime],
    ['window start', expected.windowStartOffset, found.windowStartOffset],
  ] as const;
  return pairs.flatMap(([what, right, wrong]) =>
    right === wrong ? [] : { partition, scope: NO_SCOPE, what, expected: right, found: wrong },
  );
}

/** A store stands where the log never was, as far as the log knows. */
export function aboveEnd(partition: number, end: number, nextOffset: number): Difference {
  return { partition, scope: NO_SCOPE, what: POSITION, expected: end, found: nextOffset };
}

/** Whether the store has followed another log than this one: it was rewound, restored or replaced. */
export function isOfOtherLog({ what }: Difference): boolean {
  return what === POSITION || what === CHECKSUM;
}
