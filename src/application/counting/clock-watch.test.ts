/** Proves that a door's clock is gone by only where it agrees with the clock that all doors share. */
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { ManualClock } from '../../adapters/memory/clock.ts';
import { ClockWatch } from './clock-watch.ts';

const NOW = Date.UTC(2026, 10, 21);
const BOUND = 2_000;

/** A watch whose machine is `aheadMs` ahead, and whose reference answers after `waitMs`, read at `readAt` of it. */
function watchOf(aheadMs: number, waitMs = 0, readAt = 0.5) {
  const clock = new ManualClock(NOW);
  const reference = async (): Promise<number> => {
    clock.advance(waitMs * readAt);
    const shared = clock.now() - aheadMs;
    clock.advance(waitMs * (1 - readAt));
    return shared;
  };
  return new ClockWatch({ reference, clock, boundMs: BOUND });
}

describe('a clock', () => {
  test('that was never compared is not gone by', () => {
    expect(watchOf(0).trouble).toContain('not been compared');
  });

  test.each([-BOUND, 0, BOUND])('that is %d ms ahead is good', async (ahead) => {
    const watch = watchOf(ahead);
    await watch.check();
    expect(watch.trouble).toBeNull();
  });

  test.each([
    [BOUND + 1, 'ahead of'],
    [-BOUND - 1, 'behind'],
  ])('that is %d ms ahead is not', async (ahead, words) => {
    const watch = watchOf(ahead);
    await watch.check();
    expect(watch.trouble).toContain(words);
  });

  test('that keeps within the bound is never refused for a slow answer', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: -BOUND, max: BOUND }),
        fc.integer({ min: 0, max: 20_000 }),
        fc.constantFrom(0, 0.25, 0.5, 0.75, 1),
        async (ahead, wait, readAt) => {
          const watch = watchOf(ahead, wait * 4, readAt);
          await watch.check();
          expect(watch.trouble).toBeNull();
        },
      ),
    );
  });

  test('with nothing to compare it with is taken as it is', async () => {
    const reference = async () => null;
    const watch = new ClockWatch({ reference, clock: new ManualClock(NOW), boundMs: BOUND });
    await watch.check();
    expect(watch.trouble).toBeNull();
  });

  test('keeps its last verdict while the reference is away', async () => {
    const clock = new ManualClock(NOW);
    let answer: () => Promise<number> = async () => NOW;
    const watch = new ClockWatch({ reference: () => answer(), clock, boundMs: BOUND });
    await watch.check();
    answer = () => Promise.reject(new Error('away'));
    expect(watch.check()).rejects.toThrow('away');
    expect(watch.trouble).toBeNull();
  });
});
