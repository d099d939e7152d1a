/** Proves that what a total grows by lands in the second in which it was seen, once, and not for ever. */
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { SECOND_MS, SECONDS_KEPT, SecondHistory } from './second-history.ts';

const START = 1_000_000 * SECOND_MS;
const totals = (votes: Record<string, number>) => new Map(Object.entries(votes));

describe('a history of seconds', () => {
  test('gives what a total has grown by to the second in which it was seen', () => {
    const history = new SecondHistory(new Map());
    history.observe(totals({ ana: 2 }), START);
    history.observe(totals({ ana: 3, bia: 4 }), START + 999);
    history.observe(totals({ ana: 10, bia: 4 }), START + 2_000);
    expect(history.seconds(START + 3_000)?.votes).toEqual({
      ana: [...Array(SECONDS_KEPT - 3).fill(0), 3, 0, 7],
      bia: [...Array(SECONDS_KEPT - 3).fill(0), 4, 0, 0],
    });
  });

  test('leaves the second of now out: it is not over', () => {
    const history = new SecondHistory(new Map());
    history.observe(totals({ ana: 1 }), START);
    expect(history.seconds(START + 999)).toBeNull();
    expect(history.seconds(START + 1_000)?.from).toBe(START + SECOND_MS - SECONDS_KEPT * SECOND_MS);
  });

  test('does not take votes from before it began for votes of now', () => {
    const history = new SecondHistory(null);
    history.observe(totals({ ana: 1_000_000 }), START);
    history.observe(totals({ ana: 1_000_005 }), START + 1_000);
    expect(history.takeCompleted(START + 5_000)).toEqual([
      { at: START + 1_000, votes: { ana: 5 } },
    ]);
  });

  test('hands out a second when it is over, and once', () => {
    const history = new SecondHistory(new Map());
    expect(history.completesAt()).toBeNull();
    history.observe(totals({ ana: 2 }), START + 10);
    expect(history.completesAt()).toBe(START + 1_000);
    expect(history.takeCompleted(START + 999)).toEqual([]);
    expect(history.takeCompleted(START + 1_000)).toEqual([{ at: START, votes: { ana: 2 } }]);
    expect(history.takeCompleted(START + 9_000)).toEqual([]);
    expect(history.completesAt()).toBeNull();
  });

  test('hands out seconds without votes not at all', () => {
    const history = new SecondHistory(new Map());
    history.observe(totals({ ana: 1 }), START);
    history.observe(totals({ ana: 2 }), START + 3_000);
    expect(history.takeCompleted(START + 4_000).map(({ at }) => at)).toEqual([
      START,
      START + 3_000,
    ]);
  });

  test('counts on in a second of its own when the clock goes back', () => {
    const history = new SecondHistory(new Map());
    history.observe(totals({ ana: 1 }), START);
    history.takeCompleted(START + 1_000);
    history.observe(totals({ ana: 3 }), START - 60_000);
    expect(history.takeCompleted(START + 2_000)).toEqual([
      { at: START + 1_000, votes: { ana: 2 } },
    ]);
  });

  test('takes nothing off a second that has passed when votes are voided', () => {
    const history = new SecondHistory(new Map());
    history.observe(totals({ ana: 5 }), START);
    history.observe(totals({ ana: 1 }), START + 1_000);
    history.observe(totals({ ana: 2 }), START + 2_000);
    expect(history.takeCompleted(START + 3_000).map(({ votes }) => votes)).toEqual([
      { ana: 5 },
      { ana: 1 },
    ]);
  });

  test('forgets seconds that are older than it keeps', () => {
    const history = new SecondHistory(new Map());
    history.observe(totals({ ana: 5 }), START);
    const later = START + SECONDS_KEPT * SECOND_MS;
    expect(history.seconds(later)?.votes).toEqual({ ana: [5, ...Array(SECONDS_KEPT - 1).fill(0)] });
    expect(history.seconds(later + SECOND_MS)).toBeNull();
    history.observe(totals({ ana: 6 }), later * 2);
    expect(history.seconds(later * 2 + SECOND_MS)?.votes.ana?.reduce((a, b) => a + b)).toBe(1);
  });

  test('hands out every vote exactly once, however the totals come in', () => {
    const steps = fc.array(
      fc.record({
        waitMs: fc.integer({ min: 0, max: 5_000 }),
        grown: fc.record({ ana: fc.nat(50), bia: fc.nat(50) }),
        takes: fc.boolean(),
      }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(steps, (given) => {
        const history = new SecondHistory(new Map());
        const sum = { ana: 0, bia: 0 };
        const taken = { ana: 0, bia: 0 };
        let now = START;
        let last = 0;
        const take = (at: number): void => {
          for (const second of history.takeCompleted(at)) {
            expect(second.at).toBeGreaterThan(last);
            last = second.at;
            taken.ana += second.votes.ana ?? 0;
            taken.bia += second.votes.bia ?? 0;
          }
        };
        for (const { waitMs, grown, takes } of given) {
          now += waitMs;
          sum.ana += grown.ana;
          sum.bia += grown.bia;
          history.observe(totals(sum), now);
          if (takes) take(now);
        }
        take(now + 2 * SECOND_MS);
        expect(taken).toEqual(sum);
      }),
    );
  });
});
