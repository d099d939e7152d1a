/** Durations print what a person can take in. */
import { expect, test } from 'bun:test';
import { formatLatency, formatSpan } from './duration.ts';

test('a latency keeps three digits', () => {
  expect([0, 0.4, 9.99, 9.996, 12.34, 99.96, 412, 999.4].map(formatLatency)).toEqual([
    '0.00 ms',
    '0.40 ms',
    '9.99 ms',
    '10.0 ms',
    '12.3 ms',
    '100 ms',
    '412 ms',
    '999 ms',
  ]);
  expect([999.6, 1_240, 9_996, 61_000].map(formatLatency)).toEqual([
    '1.00 s',
    '1.24 s',
    '10.0 s',
    '61.0 s',
  ]);
});

test('a span reads as a person would say it', () => {
  expect([0, 850, 12_500, 30_000, 59_960, 125_000].map(formatSpan)).toEqual([
    '0 ms',
    '850 ms',
    '12.5 s',
    '30 s',
    '1 min 00 s',
    '2 min 05 s',
  ]);
});
