/** How metering stands: how far each consumer is behind, what waits, and what has failed. */
import type { DeadLetters } from '../../ports/dead-letters.ts';
import type { PulseBooks, PulseLedger } from '../../ports/pulse-ledger.ts';
import type { RatingBook } from '../../ports/rating-book.ts';

/** Where a log ends, partition by partition. */
export interface LogEnds {
  readonly partitions: number;
  /** One past the last block. */
  readonly end: (partition: number) => Promise<number>;
}

export interface OverviewDeps {
  readonly ledger: Pick<PulseLedger, 'checkpoint' | 'books' | 'pendingUsage'>;
  readonly book: Pick<RatingBook, 'checkpoint' | 'due'>;
  readonly letters: Pick<DeadLetters, 'pending'>;
  readonly pulses: LogEnds;
  /** The log `resource-usage`; null where usage goes to rating without one. */
  readonly usage: LogEnds | null;
}

/** What the console's overview shows, once a second. */
export interface Overview {
  readonly partitions: readonly {
    readonly partition: number;
    readonly end: number;
    readonly next: number;
    readonly books: PulseBooks;
  }[];
  /** Blocks of `resource-usage` that rating has not taken yet. */
  readonly usageBehind: number;
  /** Usage windows that wait to be sent. */
  readonly usagePending: number;
  readonly ratingDue: number;
  readonly deadLetters: Readonly<Record<string, number>>;
}

/** What waits is counted up to here, a partition: more is not told apart. */
const WAITING_MAX = 1_000;

/** @throws as the stores and the logs. */
export async function getOverview(deps: OverviewDeps): Promise<Overview> {
  const { ledger, book, letters, pulses, usage } = deps;
  const partitions = await each(pulses.partitions, async (partition) => {
    const end = await pulses.end(partition);
    const { nextOffset: next } = await ledger.checkpoint(partition);
    return { partition, end, next, books: await ledger.books(partition) };
  });
  const pending = await each(
    pulses.partitions,
    async (partition) => (await ledger.pendingUsage(partition, WAITING_MAX)).length,
  );
  const behind = await each(usage?.partitions ?? 0, async (partition) => {
    const end = (await usage?.end(partition)) ?? 0;
    return Math.max(0, end - (await book.checkpoint(partition)).nextOffset);
  });
  return {
    partitions,
    usageBehind: sumOf(behind),
    usagePending: sumOf(pending),
    ratingDue: (await book.due(WAITING_MAX)).length,
    deadLetters: await letters.pending(),
  };
}

function each<T>(partitions: number, ask: (partition: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: partitions }, (_, partition) => ask(partition)));
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
