import { expect, test } from 'bun:test';
import {
  ACCEPTANCE_BOUND_MS,
  CLOCK_BOUND_MS,
  DEDUP_WINDOW_MS,
  decodeLogSettings,
  encodeLogSettings,
} from './log-settings.ts';

test('a retry that a door still takes can not expire on its way to the log', () => {
  // The oldest id that a door takes is W/2 old by a clock that is S off, and is logged within A, at a
  // log time that another clock may have driven S ahead.
  const oldest = DEDUP_WINDOW_MS / 2 + ACCEPTANCE_BOUND_MS + 2 * CLOCK_BOUND_MS;
  expect(oldest).toBeLessThan(DEDUP_WINDOW_MS);
});

test('the bounds of a new log are the ones that are documented', () => {
  expect({ DEDUP_WINDOW_MS, CLOCK_BOUND_MS, ACCEPTANCE_BOUND_MS }).toEqual({
    DEDUP_WINDOW_MS: 10 * 60_000,
    CLOCK_BOUND_MS: 2_000,
    ACCEPTANCE_BOUND_MS: 5_000,
  });
});

test('settings are read as they were written, and nothing else is taken for them', () => {
  const settings = {
    logId: 'log-1',
    partitions: 12,
    dedupWindowMs: DEDUP_WINDOW_MS,
    clockBoundMs: 0,
    acceptanceBoundMs: ACCEPTANCE_BOUND_MS,
  };
  expect(decodeLogSettings(encodeLogSettings(settings))).toEqual(settings);
  for (const wrong of [{ logId: '' }, { partitions: 0 }, { clockBoundMs: -1 }, { more: 1 }]) {
    expect(() => decodeLogSettings(JSON.stringify({ ...settings, ...wrong }))).toThrow(
      expect.objectContaining({ code: 'store_corrupt' }),
    );
  }
});
