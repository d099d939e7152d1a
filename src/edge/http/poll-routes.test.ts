/** Proves what the routes of polls answer, outcome by outcome. */
import { beforeEach, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { EdgeRoom } from '../../../test/support/edge-room.ts';
import { START_TIME } from '../../../test/support/voting-room.ts';
import { readPollFields } from '../../domain/voting/poll-fields.ts';
import { newPollSchema, pollListSchema, pollPatchSchema, pollSchema } from './schemas.ts';

const OPERATOR = { operator: true } as const;
const NEW_POLL = { title: 'Quem deve sair?', options: [{ name: 'Ana' }, { name: 'Bia' }] };
let room: EdgeRoom;

beforeEach(() => {
  room = new EdgeRoom();
});

async function problemFrom(response: Response) {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const body = (await response.json()) as Record<string, unknown>;
  expect(body.status).toBe(response.status);
  return body;
}

describe('POST /v1/polls', () => {
  test('creates a poll, says where it is, and shows it as documented', async () => {
    const response = await room.ask('/v1/polls', { ...OPERATOR, method: 'POST', body: NEW_POLL });
    expect(response.status).toBe(201);
    expect(response.headers.get('location')).toBe('/v1/polls/made-1');
    const poll = pollSchema.parse(await response.json());
    expect(poll).toMatchObject({
      id: 'made-1',
      state: 'draft',
      options: [{ id: 'ana' }, { id: 'bia' }],
      timeZone: 'America/Sao_Paulo',
      resultsVisibility: 'after_vote',
      version: 1,
      serverTime: '2026-11-21T20:00:00.000Z',
    });
    expect(await room.json('/v1/polls/made-1', OPERATOR)).toEqual(poll);
  });

  test('is for operators', async () => {
    const response = await room.ask('/v1/polls', { method: 'POST', body: NEW_POLL });
    expect(await problemFrom(response)).toMatchObject({ code: 'unauthorized', status: 401 });
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="apura"');
  });

  test.each([
    ['an unknown field', { ...NEW_POLL, colour: 1 }, 'unknown_field', '/colour'],
    [
      'an unknown field deep down',
      { ...NEW_POLL, options: [{ name: 'Ana', 'a/b~': 1 }, { name: 'B' }] },
      'unknown_field',
      '/options/0/a~1b~0',
    ],
    ['one option', { ...NEW_POLL, options: [{ name: 'Ana' }] }, 'invalid_body', '/options'],
    ['a wrong type', { ...NEW_POLL, title: 7 }, 'invalid_body', '/title'],
    ['no title', { options: NEW_POLL.options }, 'invalid_body', '/title'],
    ['a list', [], 'invalid_body', ''],
    ['a setting of later', { ...NEW_POLL, votePolicy: 'single' }, 'not_supported', '/votePolicy'],
  ])('refuses %s, with its pointer', async (_what, body, code, pointer) => {
    const response = await room.ask('/v1/polls', { ...OPERATOR, method: 'POST', body });
    const problem = await problemFrom(response);
    expect(problem).toMatchObject({ code, status: 422 });
    expect((problem.errors as { pointer: string }[])[0]?.pointer).toBe(pointer);
    expect(await room.json('/v1/polls', OPERATOR)).toMatchObject({ items: [] });
  });

  test('refuses an id that is taken', async () => {
    await room.place();
    const body = { ...NEW_POLL, id: 'final' };
    const response = await room.ask('/v1/polls', { ...OPERATOR, method: 'POST', body });
    expect(await problemFrom(response)).toMatchObject({ code: 'poll_exists', status: 409 });
  });

  test.each([
    ['no JSON', { body: '{', headers: { 'content-type': 'application/json' } }, 'invalid_json'],
    [
      'another type',
      { body: '{}', headers: { 'content-type': 'text/plain' } },
      'unsupported_media_type',
    ],
    [
      'too much',
      { body: `"${'x'.repeat(70_000)}"`, headers: { 'content-type': 'application/json' } },
      'body_too_large',
    ],
    [
      'too deep',
      { body: '['.repeat(99), headers: { 'content-type': 'application/json' } },
      'body_too_deep',
    ],
  ])('refuses %s', async (_what, ask, code) => {
    const response = await room.ask('/v1/polls', { ...OPERATOR, method: 'POST', ...ask });
    expect(await problemFrom(response)).toMatchObject({ code });
  });

  test('documents the bodies that it takes, and no other', async () => {
    const setting = fc.constantFrom<[string, unknown][]>(
      ['title', 'Final'],
      ['title', ''],
      ['title', 'x'.repeat(201)],
      ['title', null],
      ['options', NEW_POLL.options],
      ['options', [{ name: 'Ana' }]],
      [
        'options',
        [
          { name: 'Ana', id: 'a' },
          { name: 'Bia', id: 'B!' },
        ],
      ],
      [
        'options',
        [
          { name: 'Ana', imageUrl: null },
          { name: 'Bia', imageUrl: 'https://evil.test/a' },
        ],
      ],
      ['options', [{ name: 'Ana', extra: 1 }, { name: 'Bia' }]],
      ['opensAt', '2026-11-22T20:00:00-03:00'],
      ['opensAt', 'tomorrow'],
      ['closesAt', null],
      ['closesAt', 1_700_000_000_000],
      ['votePolicy', 'unlimited'],
      ['votePolicy', 'single'],
      ['challengePolicy', 'off'],
      ['resultsVisibility', 'always'],
      ['resultsVisibility', 'sometimes'],
      ['resultsDetail', 'count'],
      ['look', { accentColor: '#0A7D55' }],
      ['look', { accentColor: 'red' }],
      ['look', { logoUrl: null, border: 1 }],
      ['id', 'final'],
      ['id', '-final'],
      ['expectedVersion', 3],
      ['expectedVersion', 0],
      ['unknown', 1],
    );
    fc.assert(
      fc.property(fc.array(setting, { maxLength: 6 }), (settings) => {
        const body = { ...NEW_POLL, ...Object.fromEntries(settings) };
        expect(newPollSchema.safeParse(body).success).toBe(
          readPollFields(body, 'id').kind === 'ok',
        );
        const patch = Object.fromEntries(settings);
        expect(pollPatchSchema.safeParse(patch).success).toBe(
          readPollFields(patch, 'expectedVersion').kind === 'ok',
        );
      }),
      { numRuns: 500 },
    );
  });
});

describe('GET /v1/polls', () => {
  test('lists the newest first, page by page, without drafts for the public', async () => {
    await room.place({ id: 'first', state: 'open', opensAt: START_TIME });
    room.clock.advance(1_000);
    await room.place({ id: 'second', state: 'closed', createdAt: START_TIME + 1_000 });
    await room.place({ id: 'secret', state: 'draft', createdAt: START_TIME + 2_000 });
    const page = pollListSchema.parse(await room.json('/v1/polls?limit=1'));
    expect(page.items.map(({ id }) => id)).toEqual(['second']);
    const next = pollListSchema.parse(
      await room.json(`/v1/polls?limit=1&cursor=${encodeURIComponent(page.nextCursor ?? '')}`),
    );
    expect(next).toMatchObject({ items: [{ id: 'first' }], nextCursor: null });
    const all = pollListSchema.parse(await room.json('/v1/polls', OPERATOR));
    expect(all.items.map(({ id }) => id)).toEqual(['secret', 'second', 'first']);
  });

  test('lists the states that were asked for', async () => {
    await room.place({ id: 'first', state: 'open' });
    await room.place({ id: 'second', state: 'closed' });
    const page = pollListSchema.parse(await room.json('/v1/polls?state=open,paused'));
    expect(page.items.map(({ id }) => id)).toEqual(['first']);
  });

  test.each([
    'limit=0',
    'limit=201',
    'limit=x',
    'state=new',
    'cursor=!',
    'page=2',
    'limit=1&limit=2',
  ])('refuses ?%s', async (query) => {
    const response = await room.ask(`/v1/polls?${query}`);
    expect(await problemFrom(response)).toMatchObject({ code: 'invalid_query', status: 400 });
  });
});

describe('GET /v1/polls/{poll}', () => {
  test('shows the state by the clock', async () => {
    await room.place({ state: 'scheduled', opensAt: START_TIME + 1_000 });
    expect(await room.json('/v1/polls/final')).toMatchObject({ state: 'scheduled', version: 1 });
    room.clock.advance(1_000);
    expect(await room.json('/v1/polls/final')).toMatchObject({
      state: 'open',
      opensAt: '2026-11-21T20:00:01.000Z',
      serverTime: '2026-11-21T20:00:01.000Z',
    });
  });

  test('is answered from the cache of whoever knows it, until it changes', async () => {
    await room.place({ state: 'scheduled', opensAt: START_TIME + 1_000 });
    const first = await room.ask('/v1/polls/final');
    expect(first.headers.get('cache-control')).toBe('public, max-age=1, s-maxage=1');
    const etag = first.headers.get('etag') ?? '';
    const again = await room.ask('/v1/polls/final', { headers: { 'if-none-match': etag } });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe('');
    room.clock.advance(1_000);
    const opened = await room.ask('/v1/polls/final', { headers: { 'if-none-match': etag } });
    expect(opened.status).toBe(200);
  });

  test('hides drafts from the public', async () => {
    await room.place({ state: 'draft' });
    const response = await room.ask('/v1/polls/final');
    expect(await problemFrom(response)).toMatchObject({ code: 'poll_not_found', status: 404 });
    const shown = await room.ask('/v1/polls/final', OPERATOR);
    expect(shown.headers.get('cache-control')).toBe('private, no-cache');
    expect(shown.status).toBe(200);
  });

  test.each(['nothing', '%00', '%', '..%2f', 'FINAL', 'x'.repeat(5_000)])(
    'knows no poll %p',
    async (id) => {
      const response = await room.ask(`/v1/polls/${id}`);
      expect(await problemFrom(response)).toMatchObject({ code: 'poll_not_found', status: 404 });
    },
  );
});

describe('PATCH /v1/polls/{poll}', () => {
  const patch = (body: unknown) =>
    room.ask('/v1/polls/final', { ...OPERATOR, method: 'PATCH', body });

  test('changes a draft', async () => {
    await room.place();
    const response = await patch({ title: 'Grand final', resultsDetail: 'count' });
    expect(pollSchema.parse(await response.json())).toMatchObject({
      title: 'Grand final',
      version: 2,
    });
    expect(await room.json('/v1/polls/final', OPERATOR)).toMatchObject({ title: 'Grand final' });
  });

  test('refuses to change what is frozen, field by field', async () => {
    await room.place({ state: 'open', opensAt: START_TIME });
    const problem = await problemFrom(await patch({ title: 'Other', resultsDetail: 'count' }));
    expect(problem).toMatchObject({
      code: 'settings_frozen',
      status: 409,
      errors: [
        { pointer: '/title', code: 'settings_frozen' },
        { pointer: '/resultsDetail', code: 'settings_frozen' },
      ],
    });
  });

  test('refuses a version that is no more, and names the one that is', async () => {
    await room.place();
    await patch({ title: 'Second' });
    const problem = await problemFrom(await patch({ title: 'Third', expectedVersion: 1 }));
    expect(problem).toMatchObject({ code: 'version_conflict', status: 409, version: 2 });
  });

  test('refuses to touch an archived poll', async () => {
    await room.place({ state: 'archived' });
    const problem = await problemFrom(await patch({ title: 'Other' }));
    expect(problem).toMatchObject({ code: 'poll_state', status: 409, state: 'archived' });
  });

  test('refuses fields that are wrong, unknown or not supported', async () => {
    await room.place();
    expect(await problemFrom(await patch({ title: '' }))).toMatchObject({ code: 'invalid_body' });
    expect(await problemFrom(await patch({ id: 'x' }))).toMatchObject({ code: 'unknown_field' });
    expect(await problemFrom(await patch({ challengePolicy: 'always' }))).toMatchObject({
      code: 'not_supported',
    });
  });

  test('knows no poll that is not there', async () => {
    expect(await problemFrom(await patch({}))).toMatchObject({ code: 'poll_not_found' });
  });

  test('is for operators', async () => {
    const response = await room.ask('/v1/polls/final', { method: 'PATCH', body: {} });
    expect(response.status).toBe(401);
  });
});

describe('POST /v1/polls/{poll}/{act}', () => {
  const act = (name: string, ask = {}) =>
    room.ask(`/v1/polls/final/${name}`, { ...OPERATOR, method: 'POST', ...ask });

  test('drives a poll from draft to archive, and repeats nothing', async () => {
    await room.place();
    const states: string[] = [];
    for (const name of ['open', 'pause', 'resume', 'close', 'close']) {
      const response = await act(name);
      expect(response.status).toBe(200);
      states.push(pollSchema.parse(await response.json()).state);
    }
    expect(states).toEqual(['open', 'paused', 'open', 'closing', 'closing']);
    await room.place({ state: 'closed', version: 6 });
    for (const name of ['publish', 'archive']) expect((await act(name)).status).toBe(200);
    expect((await room.acts()).map(({ act: done }) => done)).toEqual([
      'open',
      'pause',
      'resume',
      'close',
      'publish',
      'archive',
    ]);
  });

  test('refuses what the state does not allow', async () => {
    await room.place();
    expect(await problemFrom(await act('publish'))).toMatchObject({
      code: 'poll_state',
      status: 409,
      state: 'draft',
    });
  });

  test('refuses a version that is no more', async () => {
    await room.place();
    const response = await act('open', { body: { expectedVersion: 2 } });
    expect(await problemFrom(response)).toMatchObject({ code: 'version_conflict', version: 1 });
    expect((await act('open', { body: { expectedVersion: 1 } })).status).toBe(200);
  });

  test.each([
    [{ expectedVersion: 0 }, 'invalid_body', '/expectedVersion'],
    [{ expectedVersion: '1' }, 'invalid_body', '/expectedVersion'],
    [{ force: true }, 'unknown_field', '/force'],
    [[], 'invalid_body', ''],
    [null, 'invalid_body', ''],
  ])('refuses the body %j', async (body, code, pointer) => {
    await room.place();
    const ask = { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const problem = await problemFrom(await act('open', ask));
    expect(problem).toMatchObject({ code, status: 422, errors: [{ pointer, code }] });
  });

  test('knows no other act', async () => {
    await room.place();
    expect(await problemFrom(await act('explode'))).toMatchObject({
      code: 'not_found',
      status: 404,
    });
  });

  test('is for operators', async () => {
    await room.place();
    const response = await room.ask('/v1/polls/final/open', { method: 'POST' });
    expect(response.status).toBe(401);
    expect(await room.json('/v1/polls/final', OPERATOR)).toMatchObject({ state: 'draft' });
  });

  test('whose change the log did not take is not called done', async () => {
    await room.place();
    room.appendFaults.push('refused');
    const response = await act('open');
    expect(await problemFrom(response)).toMatchObject({ code: 'log_unavailable', status: 503 });
    expect(response.headers.get('retry-after')).toBe('1');
  });
});
