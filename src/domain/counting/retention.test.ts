import { describe, expect, test } from 'bun:test';
import { DEDUP_WINDOW_MS } from './log-settings.ts';
import { DAY_MS, retentionFloor } from './retention.ts';

const MIDNIGHT = 20_000 * DAY_MS;
const LATER = MIDNIGHT + 9 * DAY_MS;

describe('rows may go', () => {
  test('of whole days that end at or before the instant', () => {
    expect(retentionFloor(MIDNIGHT, [LATER])).toBe(MIDNIGHT);
    expect(retentionFloor(MIDNIGHT + DAY_MS - 1, [LATER])).toBe(MIDNIGHT);
    expect(retentionFloor(MIDNIGHT - 1, [LATER])).toBe(MIDNIGHT - DAY_MS);
  });

  test('of days that ended W before the log time of every partition', () => {
    const settled = MIDNIGHT + DEDUP_WINDOW_MS;
    expect(retentionFloor(LATER, [LATER, settled])).toBe(MIDNIGHT);
    expect(retentionFloor(LATER, [settled - 1, LATER])).toBe(MIDNIGHT - DAY_MS);
  });

  test('of no day where nothing was logged, or at the beginning of time', () => {
    expect(retentionFloor(LATER, [])).toBe(0);
    expect(retentionFloor(LATER, [0])).toBe(0);
    expect(retentionFloor(-1, [LATER])).toBe(0);
  });
});
