/** Compares what two folds of one partition say, count by count and book by book. */
import type { MinuteTotal, ScopeBooks } from '../../domain/counting/step-totals.ts';
import type { PartitionCounts } from '../../ports/store-step.ts';

/** One place where two stores of one partition, at one offset, say different things. */
export interface Difference {
  readonly partition: number;
  readonly scope: string;
  /** What differs, in words: `option a, minute 2026-11-21T20:00Z, lane valid` or a book's name. */
  readonly what: string;
  readonly expected: number;
  readonly found: number;
}

type Contents = Pick<PartitionCounts, 'counts' | 'books'>;

const BOOKS = ['logged', 'counted', 'duplicate', 'expired', 'late', 'voided'] as const;
const MINUTE_MS = 60_000;

/** All differences of `found` from `expected`; absent counts are zero. Empty: they agree. */
export function compareCounts(
  partition: number,
  expected: Contents,
  found: Contents,
): Difference[] {
  return [
    ...compareMinutes(partition, expected.counts, found.counts),
    ...compareBooks(partition, expected.books, found.books),
  ];
}

function compareMinutes(
  partition: number,
  expected: readonly MinuteTotal[],
  found: readonly MinuteTotal[],
): Difference[] {
  const nameOf = (count: MinuteTotal): string =>
    `${count.scope.length} ${count.scope} ${count.lane} ${count.minute} ${count.item}`;
  return paired(expected, found, nameOf).flatMap(([left, right]) => {
    const { scope, item, lane, minute } = left ?? (right as MinuteTotal);
    const at = `${new Date(minute * MINUTE_MS).toISOString().slice(0, 16)}Z`;
    const what = `option ${item}, minute ${at}, lane ${lane}`;
    return difference(partition, scope, what, left?.count ?? 0, right?.count ?? 0);
  });
}

function compareBooks(
  partition: number,
  expected: readonly ScopeBooks[],
  found: readonly ScopeBooks[],
): Difference[] {
  return paired(expected, found, (books) => books.scope).flatMap(([left, right]) => {
    const { scope } = left ?? (right as ScopeBooks);
    return BOOKS.flatMap((book) =>
      difference(partition, scope, book, left?.[book] ?? 0, right?.[book] ?? 0),
    );
  });
}

function difference(
  partition: number,
  scope: string,
  what: string,
  expected: number,
  found: number,
): Difference[] {
  return expected === found ? [] : [{ partition, scope, what, expected, found }];
}

/** Pairs the two lists by name; a missing partner is undefined, never both. */
function paired<T>(
  left: readonly T[],
  right: readonly T[],
  nameOf: (value: T) => string,
): [T | undefined, T | undefined][] {
  const rights = new Map(right.map((value) => [nameOf(value), value]));
  const pairs: [T | undefined, T | undefined][] = left.map((value) => {
    const name = nameOf(value);
    const partner = rights.get(name);
    rights.delete(name);
    return [value, partner];
  });
  return [...pairs, ...[...rights.values()].map((value): [undefined, T] => [undefined, value])];
}
