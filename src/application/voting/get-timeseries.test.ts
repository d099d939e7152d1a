import { beforeEach, describe, expect, test } from 'bun:test';
import { FixedResultsBoard } from '../../../test/support/fixed-results-board.ts';
import { START_TIME, VotingRoom } from '../../../test/support/voting-room.ts';
import { minuteOf } from '../../domain/counting/time-window.ts';
import { getHourly } from './get-hourly.ts';
import { type GetTimeseriesInput, getTimeseries, SERIES_WINDOWS_MAX } from './get-timeseries.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let room: VotingRoom;
let board: FixedResultsBoard;

beforeEach(() => {
  room = new VotingRoom();
  board = new FixedResultsBoard();
});

const deps = () => ({ directory: room.directory, clock: room.clock, board });
const series = (input: Partial<GetTimeseriesInput> = {}) =>
  getTimeseries(deps(), {
    poll: 'final',
    audience: 'operator',
    step: '1m',
    from: null,
    to: null,
    ...input,
  });
/** Each window as minutes from START_TIME, and its total. */
const told = (input: Partial<GetTimeseriesInput> = {}) => {
  const result = series(input);
  if (result.kind !== 'ok' || !result.series.visible) throw new Error(JSON.stringify(result));
  return result.series.windows.map(({ from, to, total }) => [
    (from - START_TIME) / MINUTE,
    (to - START_TIME) / MINUTE,
    total,
  ]);
};
const vote = (minutes: number, votes: Record<string, number> = { ana: 1 }) =>
  board.put('final', minuteOf(START_TIME) + minutes, votes);

describe('a series', () => {
  test('goes from the opening to now, with the minutes in which nobody voted', async () => {
    await room.place({ state: 'open', opensAt: START_TIME + 30_000 });
    vote(0, { ana: 2, bruno: 1 });
    vote(2);
    room.clock.advance(3 * MINUTE);
    expect(told()).toEqual([
      [0, 1, 3],
      [1, 2, 0],
      [2, 3, 1],
      [3, 4, 0],
    ]);
  });

  test('ends with the deadline once it has passed', async () => {
    await room.place({ state: 'open', opensAt: START_TIME, closesAt: START_TIME + 2 * MINUTE });
    vote(1);
    room.clock.advance(HOUR);
    expect(told()).toEqual([
      [0, 1, 0],
      [1, 2, 1],
    ]);
  });

  test('holds every vote, also those that a skewed clock put before the opening or after the end', async () => {
    await room.place({ state: 'open', opensAt: START_TIME, closesAt: START_TIME + MINUTE });
    vote(-1);
    vote(2);
    room.clock.advance(HOUR);
    expect(told().map(([, , total]) => total)).toEqual([1, 0, 0, 1]);
  });

  test('of a range goes over its steps, whole', async () => {
    await room.place({ state: 'open', opensAt: START_TIME });
    vote(4);
    vote(5);
    const range = { from: START_TIME + 2 * MINUTE, to: START_TIME + 6 * MINUTE };
    expect(told({ ...range, step: '5m' })).toEqual([
      [0, 5, 1],
      [5, 10, 1],
    ]);
    expect(told({ from: START_TIME, to: START_TIME - 1 })).toEqual([]);
  });

  test('by the hour goes by the clocks of the poll’s zone', async () => {
    await room.place({ state: 'open', opensAt: START_TIME, timeZone: 'Asia/Kathmandu' });
    expect(told({ step: '1h' })).toEqual([[-45, 15, 0]]);
  });

  test('of a poll that has not opened is empty', async () => {
    await room.place({ state: 'scheduled', opensAt: START_TIME + HOUR });
    expect(told()).toEqual([]);
    await room.place({ id: 'draft' });
    expect(told({ poll: 'draft' })).toEqual([]);
    expect(told({ poll: 'draft', from: START_TIME })).toEqual([[0, 1, 0]]);
  });

  test('is refused where it would be too long, and not where it just fits', async () => {
    await room.place({ state: 'open', opensAt: START_TIME });
    const to = START_TIME + SERIES_WINDOWS_MAX * MINUTE;
    expect(told({ from: START_TIME, to })).toHaveLength(SERIES_WINDOWS_MAX);
    expect(series({ from: START_TIME, to: to + 1 })).toEqual({
      kind: 'range_too_long',
      windowsMax: SERIES_WINDOWS_MAX,
    });
    expect(series({ step: '1h', from: 0, to: 1e15 }).kind).toBe('range_too_long');
  });

  test('is shown as far as the poll allows, and hides how many windows it has too', async () => {
    await room.place({ state: 'open', opensAt: START_TIME });
    vote(0, { ana: 3, bruno: 1 });
    const hidden = series({ audience: 'public' });
    expect(hidden).toMatchObject({ series: { visible: false, reason: 'after_vote' } });
    expect(JSON.stringify(hidden)).not.toContain('windows');
    expect(board.asked.at(-1)).toEqual(['final', 0, 0]);
    expect(series({ audience: 'voter' })).toMatchObject({
      series: {
        detail: 'percentage',
        windows: [{ total: null, options: { ana: 0.75, bruno: 0.25 } }],
      },
    });
  });

  test('of no poll, or to the public of a draft, is not found', async () => {
    expect(series().kind).toBe('poll_not_found');
    await room.place();
    expect(series({ audience: 'voter' }).kind).toBe('poll_not_found');
  });
});

describe('the hours', () => {
  test('of a poll add up to its total, over a day that has 25', async () => {
    const opensAt = Date.parse('2026-11-01T04:00Z');
    const closesAt = Date.parse('2026-11-02T05:00Z');
    await room.place({ state: 'closed', opensAt, closesAt, timeZone: 'America/New_York' });
    for (let minute = 0; minute < 1_500; minute += 7) {
      board.put('final', minuteOf(opensAt) + minute, { ana: minute, bruno: 1 });
    }
    const hourly = getHourly(deps(), { poll: 'final', audience: 'operator', from: null, to: null });
    if (hourly.kind !== 'ok' || !hourly.series.visible) throw new Error('not shown');
    expect(hourly.series.windows).toHaveLength(25);
    expect(hourly.series.timeZone).toBe('America/New_York');
    const total = hourly.series.windows.reduce((sum, window) => sum + (window.total ?? 0), 0);
    const votes = [...board.totals('final').votes.values()];
    expect(total).toBe(votes.reduce((sum, count) => sum + count, 0));
  });
});
