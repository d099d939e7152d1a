import { describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import {
  type DeadLetterReport,
  deadLetterId,
  letterCursorAt,
  letterPlaceAt,
  newestFailureFirst,
  reportedLetter,
  resolvedLetter,
  retryAt,
} from './dead-letter.ts';

const MINUTE_MS = 60_000;
const origin = { logId: 'log-1', partition: 1, offset: 7, index: null };
const report: DeadLetterReport = {
  id: 'ab'.repeat(32),
  queue: 'resource-usage.dlq',
  bytes: Uint8Array.of(1, 0, 255),
  origin,
  tenant: null,
  code: 'rating_unavailable',
  message: 'Nobody answers.',
  failedAt: 1_000,
};
const again = { ...report, failedAt: 9_000, message: 'Again.', origin: { ...origin, offset: 8 } };
const by = { actor: 'ana', at: 5_000 };

describe('a dead letter', () => {
  const first = reportedLetter(null, report);

  test('is known by its queue and bytes', () => {
    const sha256 = (...parts: readonly Uint8Array[]) =>
      createHash('sha256').update(Buffer.concat(parts)).digest('hex');
    const ids = [
      deadLetterId('resource-usage.dlq', Uint8Array.of(1), sha256),
      deadLetterId('resource-usage.dlq', Uint8Array.of(2), sha256),
      deadLetterId('resource-consumption.dlq', Uint8Array.of(1), sha256),
    ];
    expect(new Set(ids).size).toBe(3);
    expect(deadLetterId('resource-usage.dlq', Uint8Array.of(1), sha256)).toBe(ids[0] ?? '');
  });

  test('of a first failure waits, with its bytes, and for a next try where time may mend it', () => {
    const { failedAt, ...kept } = report;
    const state = { state: 'PENDING', attempts: 1, resolvedBy: null, resolvedAt: null } as const;
    const times = { firstFailedAt: failedAt, lastFailedAt: failedAt };
    expect(first).toEqual({ ...kept, ...state, ...times, retryAt: failedAt + MINUTE_MS });
    expect(reportedLetter(null, { ...report, code: 'malformed' }).retryAt).toBeNull();
  });

  test('of a further failure says the newest of it, and remembers the first', () => {
    const letter = reportedLetter(first, again);
    expect(letter).toMatchObject({ attempts: 2, firstFailedAt: 1_000, lastFailedAt: 9_000 });
    expect(letter).toMatchObject({ message: 'Again.', retryAt: 9_000 + 2 * MINUTE_MS });
    expect(letter.origin.offset).toBe(8);
  });

  test.each([
    ['the same place', {}, 1],
    ['a place before it', { offset: 6 }, 1],
    ['a place before it in the block', { index: 2 }, 2],
    ['another partition', { partition: 0 }, 2],
    ['another log', { logId: 'log-2' }, 2],
  ])('met at %s counts %j: it comes to %p failures', (_, place, attempts) => {
    expect(reportedLetter(first, { ...again, origin: { ...origin, ...place } }).attempts).toBe(
      attempts,
    );
  });

  test('that was requeued waits again; one that was given up stays so', () => {
    const requeued = resolvedLetter(first, 'REQUEUED', by);
    expect(requeued).toEqual({
      ...first,
      state: 'REQUEUED',
      retryAt: null,
      resolvedBy: 'ana',
      resolvedAt: 5_000,
    });
    expect(reportedLetter(requeued, again)).toMatchObject({ state: 'PENDING', resolvedBy: 'ana' });
    const discarded = resolvedLetter(first, 'DISCARDED', by);
    const failed = reportedLetter(discarded, again);
    expect(failed).toMatchObject({ state: 'DISCARDED', attempts: 2, retryAt: null });
  });

  test('that is to wait again is tried again as ever', () => {
    const waiting = resolvedLetter(resolvedLetter(first, 'DISCARDED', by), 'PENDING', by);
    expect(waiting).toMatchObject({ state: 'PENDING', retryAt: by.at + MINUTE_MS });
  });

  test('is tried again later and later, and in the end no more', () => {
    const waits = Array.from({ length: 11 }, (_, index) => {
      const at = retryAt('rating_unavailable', index + 1, 0);
      return at === null ? null : at / MINUTE_MS;
    });
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 360, null]);
    expect(retryAt('malformed', 1, 0)).toBeNull();
  });
});

test('letters are listed newest failure first, and a cursor names a place among them', () => {
  const places = ['b', 'a', 'c'].map((digit, index) => ({
    lastFailedAt: index < 2 ? 1 : 2,
    id: digit.repeat(64),
  }));
  const sorted = [...places].sort(newestFailureFirst);
  expect(sorted.map(({ id }) => id[0])).toEqual(['c', 'a', 'b']);
  for (const place of places) expect(letterPlaceAt(letterCursorAt(place))).toEqual(place);
  for (const cursor of ['', '1', `x.${'a'.repeat(64)}`, `1.${'A'.repeat(64)}`]) {
    expect(() => letterPlaceAt(cursor)).toThrow(expect.objectContaining({ code: 'invalid_query' }));
  }
});
