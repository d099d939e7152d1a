/** The promises of the clock port, as tests that every adapter runs. */
import { describe, expect, test } from 'bun:test';
import type { Clock } from './clock.ts';

export interface ClockUnderTest extends Disposable {
  readonly clock: Clock;
  /** Returns once at least `ms` have passed. */
  pass(ms: number): void;
  /** Sets the wall time `ms` forward, or back where negative, as an administrator would. */
  jump(ms: number): void;
}

const SAMPLES = 10_000;
const HOUR_MS = 3_600_000;

export function clockContract(name: string, create: () => ClockUnderTest): void {
  describe(`clock contract: ${name}`, () => {
    test('wall time is in milliseconds since the Unix epoch', () => {
      using under = create();
      const year = new Date(under.clock.now()).getUTCFullYear();
      expect(year).toBeGreaterThanOrEqual(2024);
      expect(year).toBeLessThan(2200);
    });

    test('both hands move with the time that passes', () => {
      using under = create();
      const wall = under.clock.now();
      const start = under.clock.monotonic();
      under.pass(20);
      expect(under.clock.now() - wall).toBeGreaterThanOrEqual(19);
      expect(under.clock.monotonic() - start).toBeGreaterThanOrEqual(19);
      expect(under.clock.monotonic() - start).toBeLessThan(HOUR_MS);
    });

    test('the monotonic hand never goes back', () => {
      using under = create();
      let before = under.clock.monotonic();
      for (let sample = 0; sample < SAMPLES; sample += 1) {
        const now = under.clock.monotonic();
        if (now < before) throw new Error(`${now} came after ${before}`);
        before = now;
      }
    });

    test.each([-HOUR_MS, HOUR_MS])('a wall jump of %i ms leaves the monotonic hand alone', (ms) => {
      using under = create();
      const wall = under.clock.now();
      const start = under.clock.monotonic();
      under.jump(ms);
      expect(Math.abs(under.clock.now() - wall - ms)).toBeLessThan(HOUR_MS / 2);
      expect(under.clock.monotonic()).toBeGreaterThanOrEqual(start);
      expect(under.clock.monotonic() - start).toBeLessThan(HOUR_MS / 2);
    });
  });
}
