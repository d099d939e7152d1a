/** Proves that results show as much as the poll allows whoever asks, and are written once. */
import { beforeEach, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { EdgeRoom } from '../../../test/support/edge-room.ts';
import { START_TIME } from '../../../test/support/voting-room.ts';
import { RESULTS_VISIBILITIES } from '../../domain/voting/poll.ts';
import { hourlySchema, resultsSchema, timeseriesSchema } from './schemas.ts';

const OPERATOR = { operator: true } as const;
let room: EdgeRoom;
let token: string;

beforeEach(async () => {
  room = new EdgeRoom();
  token = room.deps.resultsTokens.issue('final', START_TIME);
  await room.place({ state: 'open', opensAt: START_TIME });
  room.clock.advance(30_000);
  room.count('final', { ana: 3, bruno: 1 }, 7);
});

const results = async (ask = {}, poll = 'final') =>
  resultsSchema.parse(await room.json(`/v1/polls/${poll}/results`, ask));

describe('GET results', () => {
  test('is hidden from whoever has not voted, with the reason', async () => {
    expect(await results()).toEqual({
      poll: 'final',
      state: 'open',
      visible: false,
      reason: 'after_vote',
      asOf: '2026-11-21T20:00:30.000Z',
      version: 7,
      stale: false,
    });
  });

  test.each([
    ['Authorization', (text: string) => ({ authorization: `Bearer ${text}` })],
    ['Apura-Results-Token', (text: string) => ({ 'apura-results-token': text })],
  ])('opens to a results token in %s', async (_name, headers) => {
    expect(await results({ headers: headers(token) })).toMatchObject({
      visible: true,
      detail: 'percentage',
      total: null,
      options: [
        { id: 'ana', votes: null, share: 0.75, leader: true },
        { id: 'bruno', votes: null, share: 0.25, leader: false },
      ],
    });
    const other = room.deps.resultsTokens.issue('semifinal', START_TIME);
    expect(await results({ headers: headers(other) })).toMatchObject({ visible: false });
    expect(await results({ headers: headers('x'.repeat(48)) })).toMatchObject({ visible: false });
  });

  test('a token in the address opens nothing: addresses are written down everywhere', async () => {
    const response = await room.ask(`/v1/polls/final/results?token=${token}`);
    expect(response.status).toBe(400);
  });

  test('shows counts to operators at any time', async () => {
    await room.place({ id: 'shut', state: 'open', resultsVisibility: 'never' });
    room.count('shut', { ana: 2 }, 8);
    expect(await results(OPERATOR, 'shut')).toMatchObject({
      visible: true,
      detail: 'count',
      total: 2,
    });
    expect(await results({}, 'shut')).toMatchObject({ visible: false, reason: 'never' });
  });

  test('names the winner and no more where the poll says so', async () => {
    await room.place({
      id: 'shy',
      state: 'open',
      resultsVisibility: 'always',
      resultsDetail: 'winner',
    });
    room.count('shy', { ana: 2 }, 8);
    expect(await results({}, 'shy')).toMatchObject({
      total: null,
      options: [
        { id: 'ana', votes: null, share: null, leader: true },
        { id: 'bruno', votes: null, share: null, leader: false },
      ],
    });
  });

  test('is kept by shared caches for a second when it is everybody’s, by none else', async () => {
    const cacheOf = async (ask = {}) =>
      (await room.ask('/v1/polls/final/results', ask)).headers.get('cache-control');
    expect(await cacheOf()).toBe('public, max-age=1, s-maxage=1');
    expect(await cacheOf({ headers: { 'apura-results-token': token } })).toBe('private, max-age=1');
    expect(await cacheOf(OPERATOR)).toBe('private, no-cache');
    const vary = (await room.ask('/v1/polls/final/results')).headers.get('vary');
    expect(vary).toContain('Authorization, Apura-Results-Token, Cookie');
  });

  test('is 304 while nothing changes, and never across audiences', async () => {
    const etag = (await room.ask('/v1/polls/final/results')).headers.get('etag') ?? '';
    const headers = { 'if-none-match': `"other", W/${etag}` };
    expect((await room.ask('/v1/polls/final/results', { headers })).status).toBe(304);
    expect((await room.ask('/v1/polls/final/results', { ...OPERATOR, headers })).status).toBe(200);
    room.count('final', { ana: 4, bruno: 1 }, 9);
    expect((await room.ask('/v1/polls/final/results', { headers })).status).toBe(200);
  });

  test('is written once a change and audience', () => {
    const { results: bodies } = room.deps;
    const body = bodies.results('final', 'public');
    expect(bodies.results('final', 'public')).toBe(body);
    expect(bodies.results('final', 'voter')).not.toBe(body);
    room.count('final', { ana: 4, bruno: 1 }, 9);
    expect(bodies.results('final', 'public')).not.toBe(body);
  });

  test('is right for every poll, however many are asked for', async () => {
    for (let number = 0; number < 1_100; number += 1) {
      await room.place({ id: `poll-${number}`, state: 'open', resultsVisibility: 'always' });
      room.count(`poll-${number}`, { ana: number }, 100 + number);
    }
    const { results: bodies } = room.deps;
    for (let time = 0; time < 2; time += 1) {
      for (let number = 0; number < 1_100; number += 1) {
        expect(bodies.results(`poll-${number}`, 'operator')?.json).toContain(`"total":${number},`);
        expect(bodies.poll(`poll-${number}`, 'public')?.json).toContain(`"id":"poll-${number}"`);
      }
    }
  });

  test('is hidden the moment that the poll hides it', async () => {
    await room.place({ id: 'seen', state: 'open', resultsVisibility: 'always' });
    expect(await results({}, 'seen')).toMatchObject({ visible: true });
    await room.ask('/v1/polls/seen', {
      ...OPERATOR,
      method: 'PATCH',
      body: { resultsVisibility: 'never' },
    });
    expect(await results({}, 'seen')).toMatchObject({ visible: false });
  });

  test('tells the state by the clock, without another vote', async () => {
    await room.place({ id: 'soon', state: 'scheduled', opensAt: room.clock.now() + 1_000 });
    expect(await results({}, 'soon')).toMatchObject({ state: 'scheduled' });
    room.clock.advance(1_000);
    expect(await results({}, 'soon')).toMatchObject({ state: 'open' });
  });

  test('knows no poll that is not there, or not yet', async () => {
    await room.place({ id: 'secret', state: 'draft' });
    expect((await room.ask('/v1/polls/secret/results')).status).toBe(404);
    expect((await room.ask('/v1/polls/none/results')).status).toBe(404);
    expect((await room.ask('/v1/polls/secret/results', OPERATOR)).status).toBe(200);
  });

  test('is stale and empty, not wrong, before the first counts have come', async () => {
    const fresh = new EdgeRoom();
    await fresh.place({ state: 'open', resultsVisibility: 'always', resultsDetail: 'count' });
    expect(await fresh.json('/v1/polls/final/results')).toMatchObject({ total: 0, stale: true });
  });
});

describe('GET results/hourly', () => {
  test('gives every hour, and the hours sum to the total', async () => {
    room.clock.advance(3_600_000);
    room.count('final', { ana: 5, bruno: 1 }, 9);
    const body = hourlySchema.parse(await room.json('/v1/polls/final/results/hourly', OPERATOR));
    if (!body.visible) throw new Error('hidden');
    expect(body.timeZone).toBe('America/Sao_Paulo');
    expect(body.hours.map(({ from, total }) => [from, total])).toEqual([
      ['2026-11-21T20:00:00.000Z', 4],
      ['2026-11-21T21:00:00.000Z', 6],
    ]);
  });

  test('is hidden as the results are', async () => {
    expect(hourlySchema.parse(await room.json('/v1/polls/final/results/hourly'))).toMatchObject({
      visible: false,
      reason: 'after_vote',
    });
    const headers = { 'apura-results-token': token };
    const seen = hourlySchema.parse(await room.json('/v1/polls/final/results/hourly', { headers }));
    expect(seen).toMatchObject({ visible: true, detail: 'percentage' });
  });
});

describe('GET results/timeseries', () => {
  const path = '/v1/polls/final/results/timeseries';

  test('gives the steps of the range', async () => {
    const range = 'step=5m&from=2026-11-21T20:00:00Z&to=2026-11-21T17:10:00-03:00';
    const body = timeseriesSchema.parse(
      await room.json(`${path}?${range.replace('+', '%2B')}`, OPERATOR),
    );
    if (!body.visible) throw new Error('hidden');
    expect(body.points).toEqual([
      { from: '2026-11-21T20:00:00.000Z', total: 4, options: { ana: 3, bruno: 1 } },
      { from: '2026-11-21T20:05:00.000Z', total: 0, options: { ana: 0, bruno: 0 } },
    ]);
  });

  test.each([
    'step=2m',
    'from=yesterday',
    'to=2026-11-21',
    'from=2026-02-30T00:00:00Z',
    'from=1999-01-01T00:00:00Z&step=1m',
    'from=2026-11-21T20:00Z',
    'until=2026-11-21T20:00:00Z',
  ])('refuses ?%s', async (query) => {
    const response = await room.ask(`${path}?${query}`, OPERATOR);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'invalid_query' });
  });

  test.each(['hourly', 'timeseries'])('of %s knows no poll that is not there', async (series) => {
    const response = await room.ask(`/v1/polls/none/results/${series}`);
    expect(await response.json()).toMatchObject({ code: 'poll_not_found' });
  });

  test('shows nothing a moment longer than the poll allows', async () => {
    await room.place({
      id: 'seen',
      state: 'open',
      opensAt: START_TIME,
      resultsVisibility: 'always',
    });
    const shown = async () => [
      await room.json('/v1/polls/seen/results/timeseries'),
      await room.json('/v1/polls/seen/results/hourly'),
    ];
    expect(await shown()).toMatchObject([{ visible: true }, { visible: true }]);
    const body = { resultsVisibility: 'never' };
    await room.ask('/v1/polls/seen', { ...OPERATOR, method: 'PATCH', body });
    expect(await shown()).toMatchObject([{ visible: false }, { visible: false }]);
  });

  test('shows nobody a count that results would not', async () => {
    const cases = fc.record({
      resultsVisibility: fc.constantFrom(...RESULTS_VISIBILITIES),
      resultsDetail: fc.constantFrom('winner', 'percentage', 'count'),
      state: fc.constantFrom('open', 'paused', 'closing', 'closed', 'published', 'archived'),
      isVoter: fc.boolean(),
    });
    let number = 0;
    await fc.assert(
      fc.asyncProperty(cases, async ({ isVoter, ...fields }) => {
        number += 1;
        const id = `poll-${number}`;
        await room.place({ id, opensAt: START_TIME, ...fields });
        room.count(id, { ana: 17_171, bruno: 1 }, 10 + number);
        const headers = { 'apura-results-token': room.deps.resultsTokens.issue(id, START_TIME) };
        const ask = isVoter ? { headers } : {};
        const shown = resultsSchema.parse(await room.json(`/v1/polls/${id}/results`, ask));
        for (const series of ['hourly', 'timeseries']) {
          const text = await (await room.ask(`/v1/polls/${id}/results/${series}`, ask)).text();
          const mayCount = shown.visible && shown.detail === 'count';
          const mayShare = shown.visible && shown.detail !== 'winner';
          expect(text.includes('17171')).toBe(mayCount);
          expect((JSON.parse(text) as { visible: boolean }).visible).toBe(mayShare);
        }
      }),
    );
  });
});
