import { describe, expect, test } from 'bun:test';
import { isPastWindow, receiptStatus } from './receipt.ts';

const facts = { event: null, idTime: 1_000, dedupWindowMs: 100, logTime: 0 };

describe('a receipt', () => {
  test.each(['counted', 'duplicate', 'expired', 'late', 'voided'] as const)(
    'of an id that the ledger calls %s says so, however old it is',
    (event) => {
      expect(receiptStatus({ ...facts, event })).toBe(event);
      expect(receiptStatus({ ...facts, event, logTime: 1e15 })).toBe(event);
    },
  );

  test('of an unknown id is pending as long as the log would still count it', () => {
    expect(receiptStatus(facts)).toBe('pending');
    // A block of exactly this time is not past the window: its event would count.
    expect(receiptStatus({ ...facts, logTime: 1_100 })).toBe('pending');
  });

  test('of an unknown id is final once the log would call it expired', () => {
    expect(receiptStatus({ ...facts, logTime: 1_101 })).toBe('not_counted_final');
  });

  test('goes by the ledger’s log time, which says when the window has passed', () => {
    expect(isPastWindow({ ...facts, logTime: 1_100 })).toBe(false);
    expect(isPastWindow({ ...facts, logTime: 1_101 })).toBe(true);
  });
});
