/** Steps and their parts as the contract suites write them: every field has a plain default. */
import type { Checkpoint } from '../../src/domain/counting/checkpoint.ts';
import type {
  ActMark,
  Books,
  CloseMark,
  CommitOutcome,
  MinuteCount,
  PartitionCounts,
  StepBase,
  Takeover,
} from '../../src/ports/store-step.ts';

/** What the live tally and the ledger have in common. */
export interface SteppedStore extends AsyncDisposable {
  takeOver(partition: number): Promise<Takeover>;
  commit(step: StepBase): Promise<CommitOutcome>;
  read(partition: number): Promise<PartitionCounts>;
}

/** A checkpoint whose other fields tell of its offset, so that a mixed-up one shows. */
export function checkpoint(nextOffset: number): Checkpoint {
  return {
    nextOffset,
    logTime: 1_795_000_000_000 + nextOffset,
    windowStartOffset: Math.floor(nextOffset / 2),
    lastBlockCrc: 0xdead_0000 + nextOffset,
  };
}

/** A step over the `length` blocks from `from` on. */
export function step(
  fields: Partial<StepBase> & { readonly epoch: number; readonly length?: number },
): StepBase {
  const { length = 1, from = 0, ...rest } = fields;
  return {
    partition: 0,
    from,
    checkpoint: checkpoint(from + length),
    acceptedFrom: null,
    counts: [],
    books: [],
    closes: [],
    acts: [],
    ...rest,
  };
}

export function count(fields: Partial<MinuteCount>): MinuteCount {
  return { scope: 'poll-a', item: 'ana', lane: 'valid', minute: 29_000_000, count: 1, ...fields };
}

export function books(fields: Partial<Books>): Books {
  const nothing = { logged: 0, counted: 0, duplicate: 0, expired: 0, late: 0, voided: 0 };
  return { scope: 'poll-a', ...nothing, ...fields };
}

export function act(fields: Partial<ActMark>): ActMark {
  return {
    kind: 'void',
    actId: 'act',
    target: '0'.repeat(31).concat('1'),
    scope: 'poll-a',
    item: 'ana',
    lane: 'valid',
    minute: 29_000_000,
    ...fields,
  };
}

/** A partition's counts in an order of their own, for stores may list them in any. */
export function contentOf(counts: PartitionCounts): PartitionCounts {
  return {
    checkpoint: counts.checkpoint,
    counts: sorted(counts.counts, (entry) => [entry.scope, entry.item, entry.lane, entry.minute]),
    books: sorted(counts.books, (entry) => [entry.scope]),
  };
}

export function sortedCloses(closes: readonly CloseMark[]): readonly CloseMark[] {
  return sorted(closes, (close) => [close.scope, close.offset]);
}

export function sortedActs(acts: readonly ActMark[]): readonly ActMark[] {
  return sorted(acts, (entry) => [entry.actId, entry.target]);
}

function sorted<T>(entries: readonly T[], keyOf: (entry: T) => readonly unknown[]): readonly T[] {
  const keyed = entries.map((entry) => ({ entry, key: JSON.stringify(keyOf(entry)) }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return keyed.map(({ entry }) => entry);
}
