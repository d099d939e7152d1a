/** The schedule alone says when votes leave: evenly, all of them, none early. */
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { LoadSchedule } from './load-schedule.ts';

const settings = fc.record({
  startAt: fc.integer({ min: 1, max: 1_000_000 }).map((value) => value / 7),
  ratePerSecond: fc.integer({ min: 1, max: 200_000 }),
  durationMs: fc.integer({ min: 1, max: 60_000 }),
});

describe('a schedule', () => {
  test('holds rate × duration votes, and at least one', () => {
    const of = (ratePerSecond: number, durationMs: number) =>
      new LoadSchedule({ startAt: 0, ratePerSecond, durationMs }).total;
    expect(of(50_000, 60_000)).toBe(3_000_000);
    expect(of(20_000, 30_000)).toBe(600_000);
    expect(of(3, 500)).toBe(2);
    expect(of(1, 1)).toBe(1);
  });

  test('spaces votes evenly from its start', () => {
    const schedule = new LoadSchedule({ startAt: 100, ratePerSecond: 1_000, durationMs: 5 });
    expect([0, 1, 2, 3, 4].map((index) => schedule.dueAt(index))).toEqual([
      100, 101, 102, 103, 104,
    ]);
    expect([99.9, 100, 100.5, 101, 104, 1e9].map((now) => schedule.dueBy(now))).toEqual([
      0, 1, 1, 2, 5, 5,
    ]);
  });

  test('has a vote due exactly from its instant on, to the last bit, at any rate', () => {
    fc.assert(
      fc.property(settings, fc.double({ min: 0, max: 1, noNaN: true }), (given, part) => {
        const schedule = new LoadSchedule(given);
        const index = Math.floor(part * (schedule.total - 1));
        const dueAt = schedule.dueAt(index);
        expect(schedule.dueBy(dueAt)).toBe(index + 1);
        expect(schedule.dueBy(justBelow(dueAt))).toBe(index);
      }),
      { numRuns: 2_000 },
    );
  });

  test('releases every vote once to a clock that stalls and jumps on', () => {
    fc.assert(
      fc.property(settings, fc.array(fc.integer({ min: 0, max: 5_000 })), (given, steps) => {
        const schedule = new LoadSchedule(given);
        let now = given.startAt;
        let released = 0;
        for (const step of [...steps, given.durationMs + 1_000]) {
          now += step;
          const due = schedule.dueBy(now);
          expect(due).toBeGreaterThanOrEqual(released);
          released = due;
        }
        expect(released).toBe(schedule.total);
      }),
    );
  });
});

/** The greatest number below a positive one. */
function justBelow(value: number): number {
  const bits = new BigUint64Array(new Float64Array([value]).buffer);
  return new Float64Array(new BigUint64Array([(bits[0] ?? 0n) - 1n]).buffer)[0] ?? 0;
}
