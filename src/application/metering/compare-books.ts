/** Compares what a partition of the pulse ledger says of itself with what the log gives. */
import type { DeadLetters } from '../../ports/dead-letters.ts';
import type { PulseBooks, PulseInventory } from '../../ports/pulse-ledger.ts';
import { compareNumber, type MeteringDifference } from './metering-difference.ts';
import type { FoldedPulses } from './pulse-fold.ts';
import type { LoggedBeside, LoggedLetter } from './pulse-log-replay.ts';

/** What the log gives below where the ledger stood. */
export interface LoggedPartition {
  readonly pulses: FoldedPulses;
  readonly beside: LoggedBeside;
  /** Pulses that count and are not held. */
  readonly missing: number;
}

const BOOK_WORDS = {
  received: 'pulses received',
  counted: 'pulses counted',
  duplicates: 'duplicates',
  conflicts: 'conflicts',
  voided: 'pulses voided',
  deadLetters: 'reports of dead letters',
} as const satisfies Record<keyof PulseBooks, string>;
const BOOKS = Object.keys(BOOK_WORDS) as readonly (keyof PulseBooks)[];

export function compareBooks(
  store: string,
  partition: number,
  { pulses, beside, missing }: LoggedPartition,
  { books, keys, forgotten }: PulseInventory,
): readonly MeteringDifference[] {
  const { counted, duplicates, conflicts } = pulses;
  const { voided, unreadable, unknown } = beside;
  const expected: PulseBooks = {
    received: counted + duplicates + conflicts,
    counted,
    duplicates,
    conflicts,
    voided,
    deadLetters: unreadable.length + unknown.length,
  };
  const found = BOOKS.flatMap((book) =>
    compareNumber(store, partition, BOOK_WORDS[book], expected[book], books[book]),
  );
  found.push(...compareNumber(store, partition, 'keys that it knows', counted, keys));
  // Where none were given up each window was named already.
  if (forgotten === 0) return found;
  const what = 'pulses that are not held any more';
  return [...found, ...compareNumber('held pulses', partition, what, forgotten, missing)];
}

/** Looks each letter up. @throws as the dead letters. */
export async function compareLetters(
  deadLetters: Pick<DeadLetters, 'get'>,
  partition: number,
  letters: readonly LoggedLetter[],
): Promise<readonly MeteringDifference[]> {
  const found: MeteringDifference[] = [];
  for (const { offset, id } of letters) {
    if ((await deadLetters.get(id)) !== null) continue;
    const what = `letter of what can not be taken in block ${offset}`;
    found.push(...compareNumber('dead letters', partition, what, 1, 0));
  }
  return found;
}
