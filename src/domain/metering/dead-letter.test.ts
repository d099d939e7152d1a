import { describe, expect, test } from 'bun:test';
import {
  type DeadLetter,
  type DeadLetterReport,
  letterAfter,
  letterCursorAt,
  letterPlaceAt,
  newestFailureFirst,
  retryAt,
} from './dead-letter.ts';

const MINUTE_MS = 60_000;
const report: DeadLetterReport = {
  id: 'ab'.repeat(32),
  queue: 'resource-usage.dlq',
  bytes: Uint8Array.of(1, 0, 255),
  origin: { logId: 'log-1', partition: 1, offset: 7, index: null },
  tenant: null,
  code: 'rating_unavailable',
  message: 'Nobody answers.',
  failedAt: 1_000,
};

describe('a dead letter', () => {
  test('of a first failure waits, with its bytes, and for a next try where time may mend it', () => {
    const { failedAt, ...kept } = report;
    const state = { state: 'PENDING', attempts: 1, resolvedBy: null, resolvedAt: null } as const;
    const times = { firstFailedAt: failedAt, lastFailedAt: failedAt };
    const retried = { ...kept, ...state, ...times, retryAt: failedAt + MINUTE_MS };
    expect(letterAfter(null, report)).toEqual(retried);
    expect(letterAfter(null, { ...report, code: 'malformed' }).retryAt).toBeNull();
  });

  test('of a further failure says the newest of it, and remembers the first', () => {
    const again = { ...report, failedAt: 9_000, message: 'Again.' };
    const letter = letterAfter(letterAfter(null, report), again);
    expect(letter).toMatchObject({ attempts: 2, firstFailedAt: 1_000, lastFailedAt: 9_000 });
    expect(letter).toMatchObject({ message: 'Again.', retryAt: 9_000 + 2 * MINUTE_MS });
  });

  test('that was requeued waits again; one that was given up stays so', () => {
    const by = { resolvedBy: 'ana', resolvedAt: 5_000 };
    const first = letterAfter(null, report);
    const requeued: DeadLetter = { ...first, state: 'REQUEUED', retryAt: null, ...by };
    expect(letterAfter(requeued, report)).toMatchObject({ state: 'PENDING', ...by });
    const discarded: DeadLetter = { ...first, state: 'DISCARDED', retryAt: null, ...by };
    const failed = letterAfter(discarded, report);
    expect(failed).toMatchObject({ state: 'DISCARDED', attempts: 2, retryAt: null, ...by });
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
