import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { samplePoll } from '../../../test/support/catalogue-samples.ts';
import type { Lane } from '../counting/lane.ts';
import type { MinuteTotal, ScopeBooks } from '../counting/step-totals.ts';
import { HOUR_MS, MINUTE_MS, minuteOf, zoneOffset } from '../counting/time-window.ts';
import { POLL_STATES, type Poll } from './poll.ts';
import {
  comparedPoll,
  hoursIn,
  isFinal,
  type ReportSource,
  reportFigures,
  votingRange,
} from './report.ts';
import { zonedRfc3339Of } from './rfc3339.ts';

const at = (text: string): number => Date.parse(text);
const OPENS_AT = at('2026-11-21T20:00:30Z');
const OPENING_MINUTE = minuteOf(OPENS_AT);

function books(fields: Partial<ScopeBooks> = {}): ScopeBooks {
  const none = { logged: 0, counted: 0, duplicate: 0, expired: 0, late: 0, voided: 0 };
  return { scope: 'final', ...none, ...fields };
}

function minute(time: string | number, item: string, count: number, lane: Lane = 'valid') {
  const instant = typeof time === 'number' ? time : at(time);
  return { scope: 'final', item, lane, minute: minuteOf(instant), count };
}

function sourceOf(
  minutes: readonly MinuteTotal[],
  poll: Partial<Poll> = {},
  counted = minutes.reduce((sum, { count }) => sum + count, 0),
): ReportSource {
  return {
    poll: samplePoll({ state: 'open', opensAt: OPENS_AT, ...poll }),
    minutes,
    books: books({ logged: counted, counted }),
  };
}

/** Minutes in ascending order, as a ledger gives them. */
const anyMinutes = fc
  .array(
    fc.record({
      scope: fc.constant('final'),
      item: fc.constantFrom('ana', 'bruno'),
      lane: fc.constantFrom<Lane>('valid', 'flagged'),
      minute: fc.integer({ min: OPENING_MINUTE - 90, max: OPENING_MINUTE + 4_000 }),
      count: fc.integer({ min: 1, max: 50_000 }),
    }),
    { maxLength: 60 },
  )
  .map((minutes) => minutes.sort((a, b) => a.minute - b.minute));

const ZONES = ['UTC', 'America/Sao_Paulo', 'Asia/Kolkata', 'Asia/Kathmandu', 'Australia/Lord_Howe'];

describe('the figures of a report', () => {
  test('hours, options and total are one sum, whatever the zone, and with flagged the books’ counted', () => {
    fc.assert(
      fc.property(anyMinutes, fc.constantFrom(...ZONES), (minutes, timeZone) => {
        const now = OPENS_AT + 3 * 24 * HOUR_MS;
        const figures = reportFigures(sourceOf(minutes, { timeZone }), now);
        const { total, options, hours } = figures;
        expect(hours.reduce((sum, hour) => sum + hour.total, 0)).toBe(total);
        for (const [index, option] of options.entries()) {
          const column = hours.reduce((sum, { votes }) => sum + (votes[index] ?? 0), 0);
          expect(column).toBe(option.votes);
        }
        for (const hour of hours) {
          expect(hour.votes.reduce((sum, votes) => sum + votes, 0)).toBe(hour.total);
        }
        expect(figures.books.valid).toBe(total);
        expect(figures.books.valid + figures.books.flagged).toBe(figures.books.counted);
        expect(figures.books.balanced).toBe(true);
      }),
    );
  });

  test('the peaks are the largest minute and hour, the first of equals', () => {
    fc.assert(
      fc.property(anyMinutes, (minutes) => {
        const { peakMinute, peakHour, hours } = reportFigures(sourceOf(minutes), OPENS_AT);
        const sums = new Map<number, number>();
        for (const { lane, minute: at, count } of minutes) {
          if (lane === 'valid') sums.set(at, (sums.get(at) ?? 0) + count);
        }
        const most = Math.max(0, ...sums.values());
        const first = [...sums].find(([, votes]) => votes === most);
        expect(peakMinute?.votes ?? 0).toBe(most);
        expect(peakMinute?.from).toBe(first === undefined ? undefined : first[0] * MINUTE_MS);
        const top = hours.find(({ total }) => total === Math.max(...hours.map((h) => h.total)));
        expect(peakHour?.from).toBe(most === 0 ? undefined : top?.from);
      }),
    );
  });

  test('flagged votes are in the books alone', () => {
    const minutes = [minute(OPENS_AT, 'ana', 3), minute(OPENS_AT, 'ana', 40, 'flagged')];
    const figures = reportFigures(sourceOf(minutes), OPENS_AT);
    expect(figures.total).toBe(3);
    expect(figures.peakMinute?.votes).toBe(3);
    expect(figures.books).toMatchObject({ counted: 43, valid: 3, flagged: 40, balanced: true });
  });

  test('tell each option by its name, with its share', () => {
    const minutes = [minute(OPENS_AT, 'ana', 3), minute(OPENS_AT, 'bruno', 1)];
    expect(reportFigures(sourceOf(minutes), OPENS_AT).options).toEqual([
      { id: 'ana', name: 'Ana', votes: 3, share: 0.75, leader: true },
      { id: 'bruno', name: 'Bruno', votes: 1, share: 0.25, leader: false },
    ]);
  });

  test('books that do not add up are said not to', () => {
    const minutes = [minute(OPENS_AT, 'ana', 3)];
    expect(reportFigures(sourceOf(minutes, {}, 4), OPENS_AT).books.balanced).toBe(false);
    const source = { ...sourceOf(minutes), books: books({ logged: 5, counted: 3, late: 1 }) };
    expect(reportFigures(source, OPENS_AT).books.balanced).toBe(false);
  });

  test('of a poll that has not begun are zeros without hours', () => {
    for (const opensAt of [null, OPENS_AT + 1]) {
      const figures = reportFigures(sourceOf([], { opensAt }), OPENS_AT);
      expect(figures).toMatchObject({ total: 0, hours: [], peakMinute: null, peakHour: null });
    }
  });
});

describe('the hours of a report', () => {
  const hoursOf = (timeZone: string, from: string, to: string) =>
    reportFigures(sourceOf([], { timeZone, opensAt: at(from), closesAt: at(to) }), at(to)).hours;

  test.each([
    ['America/New_York', '2026-03-08T05:00:00Z', '2026-03-09T04:00:00Z', 23],
    ['America/New_York', '2026-11-01T04:00:00Z', '2026-11-02T05:00:00Z', 25],
    ['America/Sao_Paulo', '2026-11-21T03:00:00Z', '2026-11-22T03:00:00Z', 24],
    ['Asia/Kolkata', '2026-11-20T18:30:00Z', '2026-11-21T18:30:00Z', 24],
  ])('a day in %s from %s to %s has the hours that its clocks show', (zone, from, to, count) => {
    const hours = hoursOf(zone, from, to);
    expect(hours).toHaveLength(count);
    expect(hours[0]?.from).toBe(at(from));
    expect(hours.at(-1)?.to).toBe(at(to));
  });

  test('an hour that the clocks show twice is two, told apart by its distance from UTC', () => {
    const zone = 'America/New_York';
    const minutes = [minute('2026-11-01T05:30Z', 'ana', 1), minute('2026-11-01T06:30Z', 'ana', 2)];
    const opensAt = at('2026-11-01T05:00Z');
    const figures = reportFigures(
      sourceOf(minutes, { timeZone: zone, opensAt }),
      at('2026-11-01T07:00Z') - 1,
    );
    const offsetAt = zoneOffset(zone);
    expect(figures.hours.map(({ from, total }) => [zonedRfc3339Of(from, offsetAt), total])).toEqual(
      [
        ['2026-11-01T01:00:00.000-04:00', 1],
        ['2026-11-01T01:00:00.000-05:00', 2],
      ],
    );
  });

  test('a half-hour zone counts its own hours, not those of UTC', () => {
    const minutes = [minute('2026-11-21T20:29Z', 'ana', 1), minute('2026-11-21T20:30Z', 'ana', 2)];
    const opensAt = at('2026-11-21T20:00Z');
    const { hours } = reportFigures(
      sourceOf(minutes, { timeZone: 'Asia/Kolkata', opensAt }),
      at('2026-11-21T21:29Z'),
    );
    expect(hours.map(({ total }) => total)).toEqual([1, 2]);
  });
});

describe('the range of a report', () => {
  const range = (minutes: readonly MinuteTotal[], poll: Partial<Poll>, now: number) =>
    votingRange(sourceOf(minutes, poll), now);

  test('goes from the opening to the closing, or to now and with it', () => {
    const closesAt = OPENS_AT + HOUR_MS;
    expect(range([], {}, OPENS_AT + 5)).toEqual({ from: OPENS_AT, to: OPENS_AT + 6 });
    expect(range([], { closesAt }, OPENS_AT + 5)).toEqual({ from: OPENS_AT, to: OPENS_AT + 6 });
    expect(range([], { closesAt }, closesAt + 5)).toEqual({ from: OPENS_AT, to: closesAt });
  });

  test('never leaves a vote out', () => {
    const start = Math.floor(OPENS_AT / MINUTE_MS) * MINUTE_MS;
    const minutes = [
      minute(start - MINUTE_MS, 'ana', 1),
      minute(start + HOUR_MS, 'flagged', 1, 'flagged'),
    ];
    const shut = { closesAt: OPENS_AT + 1 };
    const whole = { from: start - MINUTE_MS, to: start + HOUR_MS + MINUTE_MS };
    expect(range(minutes, shut, OPENS_AT + 2)).toEqual(whole);
    expect(range(minutes, { ...shut, opensAt: null }, 0)).toEqual(whole);
  });

  test('is counted in hours, a part for a whole one', () => {
    expect(hoursIn({ from: 5, to: 5 })).toBe(0);
    expect(hoursIn({ from: 0, to: HOUR_MS })).toBe(1);
    expect(hoursIn({ from: 0, to: HOUR_MS + 1 })).toBe(2);
  });
});

describe('a poll beside others', () => {
  test('tells its valid votes by hours since its opening', () => {
    const minutes = [
      minute(OPENS_AT + 2 * MINUTE_MS, 'ana', 1),
      minute(OPENS_AT + 10 * MINUTE_MS, 'ana', 9, 'flagged'),
      minute(OPENS_AT + 59 * MINUTE_MS, 'bruno', 2),
      minute(OPENS_AT + 60 * MINUTE_MS, 'ana', 4),
    ];
    expect(comparedPoll(sourceOf(minutes), OPENS_AT + 2 * HOUR_MS)).toMatchObject({
      startsAt: at('2026-11-21T20:00Z'),
      total: 7,
      options: [
        { id: 'ana', votes: 5 },
        { id: 'bruno', votes: 2 },
      ],
      hours: [3, 4, 0],
    });
  });

  test('its hours sum to its total', () => {
    fc.assert(
      fc.property(anyMinutes, (minutes) => {
        const { hours, total } = comparedPoll(sourceOf(minutes), OPENS_AT);
        expect(hours.reduce((sum, votes) => sum + votes, 0)).toBe(total);
        expect(Object.keys(hours)).toHaveLength(hours.length);
      }),
    );
  });

  test('has no hours before it has begun', () => {
    const beside = comparedPoll(sourceOf([], { opensAt: null }), OPENS_AT);
    expect(beside).toMatchObject({ startsAt: null, total: 0, hours: [] });
  });
});

test('a count is final once every store has passed the CLOSE', () => {
  expect(POLL_STATES.filter(isFinal)).toEqual(['closed', 'published', 'archived']);
});
