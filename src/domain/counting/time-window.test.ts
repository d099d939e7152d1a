import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  HOUR_MS,
  hourWindows,
  isTimeZone,
  MINUTE_MS,
  minuteOf,
  stepWindows,
  type TimeWindow,
} from './time-window.ts';

const at = (text: string): number => Date.parse(text);
const told = ({ from, to }: TimeWindow): string =>
  `${new Date(from).toISOString().slice(0, 16)}/${new Date(to).toISOString().slice(11, 16)}`;

/** Whole hours, halves and quarters from UTC; clocks shifted by 60 and by 30 minutes, and never. */
const ZONES = [
  'UTC',
  'America/Sao_Paulo',
  'America/New_York',
  'America/St_Johns',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Chatham',
  'Pacific/Apia',
  'Africa/Casablanca',
];

/** What a clock on the wall shows: date, hour and minute. */
function wallClock(timeZone: string, instant: number): string {
  return new Intl.DateTimeFormat('en-CA', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  }).format(instant);
}

test('a minute is counted from the Unix epoch', () => {
  expect(minuteOf(0)).toBe(0);
  expect(minuteOf(59_999)).toBe(0);
  expect(minuteOf(60_000)).toBe(1);
  expect(minuteOf(-1)).toBe(-1);
});

describe('time zones', () => {
  test.each([...ZONES, 'Etc/GMT+3', 'America/Argentina/Buenos_Aires'])('%s is one', (name) => {
    expect(isTimeZone(name)).toBe(true);
  });

  test.each([
    '',
    'Mars/Olympus',
    '+03:00',
    '-03:00',
    'America/Sao Paulo',
    'A'.repeat(100),
    '../etc',
  ])('%p is none', (name) => {
    expect(isTimeZone(name)).toBe(false);
  });
});

describe('steps', () => {
  test('are aligned to the epoch and cover the range', () => {
    const windows = stepWindows(at('2026-01-01T00:07:30Z'), at('2026-01-01T00:15:00Z'), 300_000);
    expect(windows.map(told)).toEqual(['2026-01-01T00:05/00:10', '2026-01-01T00:10/00:15']);
  });

  test('of an empty range are none when it lies on a boundary', () => {
    expect(stepWindows(0, 0, MINUTE_MS)).toEqual([]);
    expect(stepWindows(60_000, 30_000, MINUTE_MS)).toEqual([]);
  });
});

describe('the hours of a zone', () => {
  const day = (timeZone: string, from: string, to: string) =>
    hourWindows(timeZone, at(from), at(to));

  test('are 24 on a usual day', () => {
    const windows = day('America/Sao_Paulo', '2026-11-21T00:00-03:00', '2026-11-22T00:00-03:00');
    expect(windows).toHaveLength(24);
    expect(windows.map(told)[0]).toBe('2026-11-21T03:00/04:00');
  });

  test('are 23 on the day that clocks go forward, 25 on the day that they go back', () => {
    const spring = day('America/New_York', '2026-03-08T00:00-05:00', '2026-03-09T00:00-04:00');
    const autumn = day('America/New_York', '2026-11-01T00:00-04:00', '2026-11-02T00:00-05:00');
    expect(spring).toHaveLength(23);
    expect(autumn).toHaveLength(25);
    // The hour from 1 to 2 comes twice, as two windows.
    expect(autumn.slice(1, 3).map(told)).toEqual([
      '2026-11-01T05:00/06:00',
      '2026-11-01T06:00/07:00',
    ]);
  });

  test('begin at the half or the quarter of UTC’s where the zone is so far from it', () => {
    const range = ['2026-11-21T12:00Z', '2026-11-21T13:00Z'] as const;
    const half = ['2026-11-21T11:30/12:30', '2026-11-21T12:30/13:30'];
    expect(day('Asia/Kolkata', ...range).map(told)).toEqual(half);
    const quarter = ['2026-11-21T11:15/12:15', '2026-11-21T12:15/13:15'];
    expect(day('Asia/Kathmandu', ...range).map(told)).toEqual(quarter);
  });

  test('are cut where clocks are shifted by half an hour', () => {
    const back = day('Australia/Lord_Howe', '2026-04-04T14:00Z', '2026-04-04T16:30Z');
    expect(back.map(told)).toEqual([
      '2026-04-04T14:00/15:00',
      '2026-04-04T15:00/15:30',
      '2026-04-04T15:30/16:30',
    ]);
    const forward = day('Australia/Lord_Howe', '2026-10-03T14:30Z', '2026-10-03T17:00Z');
    expect(forward.map(told)).toEqual([
      '2026-10-03T14:30/15:30',
      '2026-10-03T15:30/16:00',
      '2026-10-03T16:00/17:00',
    ]);
    // Asked from inside a cut hour, it is the same hour.
    expect(day('Australia/Lord_Howe', '2026-04-04T15:20Z', '2026-04-04T15:21Z').map(told)).toEqual([
      '2026-04-04T15:00/15:30',
    ]);
  });

  test('are cut where clocks are shifted a minute past the hour', () => {
    const forward = day('America/St_Johns', '2010-03-14T03:30Z', '2010-03-14T05:00Z');
    expect(forward.map(told)).toEqual([
      '2010-03-14T03:30/03:31',
      '2010-03-14T03:31/04:30',
      '2010-03-14T04:30/05:30',
    ]);
    const back = day('America/St_Johns', '2010-11-07T01:30Z', '2010-11-07T04:00Z');
    expect(back.map(told)).toEqual([
      '2010-11-07T01:30/02:30',
      '2010-11-07T02:30/02:31',
      '2010-11-07T02:31/03:30',
      '2010-11-07T03:30/04:30',
    ]);
  });

  test('leave out the day that a zone skipped', () => {
    const windows = day('Pacific/Apia', '2011-12-29T10:00Z', '2011-12-31T10:00Z');
    expect(windows).toHaveLength(48);
    expect(windows.every(({ from, to }) => to - from === HOUR_MS)).toBe(true);
  });

  test('of an empty range on a boundary are none', () => {
    const noon = at('2026-11-21T12:00Z');
    expect(hourWindows('UTC', noon, noon)).toEqual([]);
  });

  const ranges = fc.record({
    timeZone: fc.constantFrom(...ZONES),
    from: fc.integer({ min: at('1990-01-01T00:00Z'), max: at('2037-01-01T00:00Z') }),
    hours: fc.integer({ min: 1, max: 60 }),
  });

  test('cover any range without gap or overlap, in whole minutes, none longer than an hour', () => {
    fc.assert(
      fc.property(ranges, ({ timeZone, from, hours }) => {
        const to = from + hours * HOUR_MS;
        const windows = hourWindows(timeZone, from, to);
        const [first] = windows;
        const last = windows.at(-1);
        expect(first !== undefined && first.from <= from && first.to > from).toBe(true);
        expect(last !== undefined && last.from < to && last.to >= to).toBe(true);
        for (const [index, window] of windows.entries()) {
          const next = windows[index + 1];
          if (next !== undefined) expect(next.from).toBe(window.to);
          expect(window.from % MINUTE_MS).toBe(0);
          expect(window.to > window.from && window.to - window.from <= HOUR_MS).toBe(true);
        }
      }),
    );
  });

  test('hold together what a clock on the wall calls one hour', () => {
    fc.assert(
      fc.property(ranges, ({ timeZone, from }) => {
        const [window] = hourWindows(timeZone, from, from + 1);
        if (window === undefined) throw new Error('no window');
        const hour = (instant: number) => wallClock(timeZone, instant).slice(0, -3);
        expect(hour(window.from)).toBe(hour(from));
        expect(hour(window.to - 1)).toBe(hour(from));
        // On either side another hour begins, or the clocks were shifted.
        const minute = (instant: number) => Number(wallClock(timeZone, instant).slice(-2));
        const isShifted = (instant: number) =>
          minute(instant - MINUTE_MS) !== (minute(instant) + 59) % 60;
        expect(minute(window.from) === 0 || isShifted(window.from)).toBe(true);
        expect(minute(window.to) === 0 || isShifted(window.to)).toBe(true);
      }),
    );
  });

  test('are the same from wherever they are asked', () => {
    fc.assert(
      fc.property(ranges, fc.nat(HOUR_MS), ({ timeZone, from, hours }, shift) => {
        const to = from + hours * HOUR_MS;
        const all = hourWindows(timeZone, from - shift, to);
        const some = hourWindows(timeZone, from, to);
        expect(all.slice(-some.length)).toEqual([...some]);
      }),
    );
  });
});
