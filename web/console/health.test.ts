import { expect, test } from 'bun:test';
import {
  acceptHealth,
  consistencyHealth,
  lagHealth,
  ledgerLagHealth,
  STALE_AFTER_MS,
  staleness,
} from './health.ts';

test('a figure goes from calm to alarm as it grows', () => {
  expect([500, 501, 2_001].map(lagHealth)).toEqual(['good', 'warning', 'bad']);
  expect([50, 51, 501].map(acceptHealth)).toEqual(['good', 'warning', 'bad']);
  expect([5_000, 5_001, 30_001].map(ledgerLagHealth)).toEqual(['good', 'warning', 'bad']);
});

test('a figure that is not known is not called good', () => {
  expect(lagHealth(null)).toBe('unknown');
  expect(consistencyHealth('consistent', null)).toBe('unknown');
});

test('a difference is bad however old, agreement only as good as its proof is fresh', () => {
  expect(consistencyHealth('different', null)).toBe('bad');
  expect(consistencyHealth('consistent', 20_000)).toBe('good');
  expect(consistencyHealth('checking', 20_000)).toBe('good');
  expect(consistencyHealth('consistent', 3_600_000)).toBe('warning');
});

test('numbers are stale once beats have been missed', () => {
  expect(staleness(null, 9_000)).toBeNull();
  expect(staleness(1_000, 1_000 + STALE_AFTER_MS)).toBeNull();
  expect(staleness(1_000, 8_000)).toBe(7_000);
});
