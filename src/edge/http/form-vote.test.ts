/** Proves that a plain form votes, and that its page says honestly what became of the vote. */
import { beforeEach, describe, expect, test } from 'bun:test';
import { EdgeRoom, HOST } from '../../../test/support/edge-room.ts';
import { START_TIME } from '../../../test/support/voting-room.ts';
import { formatUuidV7 } from '../../domain/counting/event-id.ts';

const KEY = formatUuidV7({ time: START_TIME, x: 1, y: 2, z: 3 });
let room: EdgeRoom;

beforeEach(async () => {
  room = new EdgeRoom();
  await room.place({ state: 'open', opensAt: START_TIME });
  room.count('final', { ana: 3, bruno: 1 }, 4);
});

const send = async (
  fields: Record<string, string> | string = { option: 'ana', key: KEY },
  headers: Record<string, string> = {},
  poll = 'final',
) => {
  const response = await room.ask(`/p/${poll}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', origin: HOST, ...headers },
    body: new URLSearchParams(fields).toString(),
  });
  return { response, html: await response.text() };
};

describe('a vote by form', () => {
  test('is cast once under the page’s key, and its page has the receipt', async () => {
    const { response, html } = await send();
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(html).toContain('data-tone="good"');
    expect(html).toContain(KEY);
    expect(room.formVotes).toEqual([{ poll: 'final', option: 'ana', key: KEY }]);
  });

  test('opens the results that a vote opens', async () => {
    expect((await send()).html).toContain('75');
  });

  test('that may be in offers to send the same one again', async () => {
    room.formVoteOutcome = { kind: 'unknown', id: KEY };
    const { response, html } = await send();
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('1');
    expect(html).toContain(`name="key" value="${KEY}"`);
    expect(html).toContain('name="option" value="ana"');
  });

  test.each([
    ['poll_closed', 409],
    ['poll_not_open', 409],
    ['option_not_found', 422],
    ['overloaded', 503],
  ] as const)('that is refused as %s says why', async (code, status) => {
    room.formVoteOutcome = { kind: 'refused', code };
    const { response, html } = await send();
    expect(response.status).toBe(status);
    expect(html).toContain('data-tone="bad"');
  });

  test('whose key has grown old is in if its receipt says so', async () => {
    room.formVoteOutcome = { kind: 'refused', code: 'id_expired' };
    expect((await send()).response.status).toBe(410);
    room.log(KEY);
    const { response, html } = await send();
    expect(response.status).toBe(200);
    expect(html).toContain('data-tone="good"');
  });

  test.each([
    ['no option', { key: KEY }, 422],
    ['no key', { option: 'ana' }, 400],
    ['a key that is none', { option: 'ana', key: 'x' }, 400],
    ['another field', { option: 'ana', key: KEY, extra: '1' }, 422],
    ['two options', `option=ana&option=bruno&key=${KEY}`, 422],
    ['too much', { option: 'a'.repeat(2_000), key: KEY }, 413],
  ])('with %s is not cast', async (_what, fields, status) => {
    const { response, html } = await send(fields);
    expect(response.status).toBe(status);
    expect(html).toContain('data-tone="bad"');
    expect(room.formVotes).toEqual([]);
  });

  test('from another site’s page is not cast', async () => {
    expect((await send(undefined, { origin: 'https://evil.test' })).response.status).toBe(403);
    expect(room.formVotes).toEqual([]);
  });

  test('in another form is not cast', async () => {
    const { response } = await send(undefined, { 'content-type': 'text/plain' });
    expect(response.status).toBe(415);
    expect(room.formVotes).toEqual([]);
  });

  test.each(['none', 'secret'])('in no poll is a page that says so: %p', async (poll) => {
    await room.place({ id: 'secret', state: 'draft' });
    expect((await send(undefined, {}, poll)).response.status).toBe(404);
    expect(room.formVotes).toEqual([]);
  });
});
