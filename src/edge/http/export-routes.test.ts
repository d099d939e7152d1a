/** Proves that exports hold every line in the form that programs rely on, and are on record. */
import { beforeEach, describe, expect, test } from 'bun:test';
import { EdgeRoom } from '../../../test/support/edge-room.ts';
import { START_TIME } from '../../../test/support/voting-room.ts';
import { formatUuidV7 } from '../../domain/counting/event-id.ts';

const OPERATOR = { operator: true } as const;
let room: EdgeRoom;

beforeEach(async () => {
  room = new EdgeRoom();
  await room.place({
    state: 'open',
    opensAt: START_TIME,
    options: [
      { id: 'ana', name: '=HYPERLINK("http://evil.test")', imageUrl: null },
      { id: 'bruno', name: 'Bruno, "o Bruno"', imageUrl: null },
    ],
  });
});

const exported = (query: string, poll = 'final') =>
  room.ask(`/v1/polls/${poll}/export?${query}`, OPERATOR);
const uuid = (number: number) => formatUuidV7({ time: START_TIME, x: number, y: 2, z: 3 });

describe('an export of votes', () => {
  test('as NDJSON has one line a vote, in exactly this form', async () => {
    const { id } = room.log(uuid(1), { offset: 12 });
    const response = await exported('format=ndjson&what=votes');
    expect(response.headers.get('content-type')).toBe('application/x-ndjson');
    expect(response.headers.get('content-disposition')).toBe(
      'attachment; filename="final-votes.ndjson"',
    );
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(await response.text()).toBe(
      `{"id":"${id}","option":"ana","acceptedAt":"2026-11-21T20:00:00.000Z","state":"counted","partition":0,"offset":12}\n`,
    );
  });

  test('as CSV has a head and the same columns', async () => {
    const { id } = room.log(uuid(1), { state: 'late', item: 'bruno', partition: 2, offset: 5 });
    const response = await exported('format=csv&what=votes');
    expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
    expect(await response.text()).toBe(
      `id,option,acceptedAt,state,partition,offset\r\n${id},bruno,2026-11-21T20:00:00.000Z,late,2,5\r\n`,
    );
  });

  test('holds every vote, however many pages it takes, and no other poll’s', async () => {
    for (let number = 0; number < 12_345; number += 1) room.log(uuid(number));
    room.log(uuid(1), { scope: 'other' });
    const lines = (await (await exported('format=ndjson')).text()).trimEnd().split('\n');
    expect(lines).toHaveLength(12_345);
    expect(new Set(lines.map((line) => (JSON.parse(line) as { id: string }).id)).size).toBe(12_345);
  });

  test('that nobody reads to its end stops reading', async () => {
    for (let number = 0; number < 20_000; number += 1) room.log(uuid(number));
    const response = await exported('format=ndjson');
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    expect(reader).toBeDefined();
  });
});

describe('an export of results', () => {
  beforeEach(() => room.count('final', { ana: 3, bruno: 1 }, 7));

  test('as CSV is safe to open in a spreadsheet', async () => {
    expect(await (await exported('format=csv&what=results')).text()).toBe(
      'option,name,votes,share,asOf,version,stale\r\n' +
        'ana,"\'=HYPERLINK(""http://evil.test"")",3,0.75,2026-11-21T20:00:00.000Z,7,false\r\n' +
        'bruno,"Bruno, ""o Bruno""",1,0.25,2026-11-21T20:00:00.000Z,7,false\r\n',
    );
  });

  test('as NDJSON has a line an option', async () => {
    const lines = (await (await exported('format=ndjson&what=results')).text())
      .trimEnd()
      .split('\n');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { option: 'ana', votes: 3, share: 0.75 },
      { option: 'bruno', votes: 1, share: 0.25 },
    ]);
  });
});

describe('an export of hours', () => {
  beforeEach(() => room.count('final', { ana: 3, bruno: 1 }, 7));

  test('as CSV has a column an option', async () => {
    expect(await (await exported('format=csv&what=hourly')).text()).toBe(
      'from,to,total,ana,bruno\r\n2026-11-21T20:00:00.000Z,2026-11-21T21:00:00.000Z,4,3,1\r\n',
    );
  });

  test('as NDJSON has a line an hour', async () => {
    expect(await (await exported('format=ndjson&what=hourly')).text()).toBe(
      '{"from":"2026-11-21T20:00:00.000Z","to":"2026-11-21T21:00:00.000Z","total":4,"options":{"ana":3,"bruno":1}}\n',
    );
  });
});

test('an export of more hours than an answer has is refused, and is no act', async () => {
  await room.place({ id: 'long', state: 'open', opensAt: START_TIME - 9_001 * 3_600_000 });
  const response = await exported('what=hourly', 'long');
  expect(await response.json()).toMatchObject({ code: 'invalid_query' });
  expect(await room.acts('long')).toEqual([]);
});

describe('any export', () => {
  test('is on record before it begins', async () => {
    for (const what of ['votes', 'results', 'hourly']) await exported(`format=csv&what=${what}`);
    const acts = (await room.json('/v1/polls/final/acts', OPERATOR)) as { items: unknown[] };
    expect(acts.items.slice(0, 3)).toMatchObject([
      { act: 'export', actor: 'operator', poll: 'final', detail: 'hourly, csv' },
      { act: 'export', detail: 'results, csv' },
      { act: 'export', detail: 'votes, open' },
    ]);
  });

  test('is for operators', async () => {
    expect((await room.ask('/v1/polls/final/export')).status).toBe(401);
    expect((await room.acts()).map(({ act }) => act)).toEqual([]);
  });

  test.each(['format=xml', 'what=everything', 'from=now'])('refuses ?%s', async (query) => {
    const response = await exported(query);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'invalid_query' });
  });

  test.each(['votes', 'results', 'hourly'])(
    'of %s knows no poll that is not there',
    async (what) => {
      const response = await exported(`what=${what}`, 'none');
      expect(await response.json()).toMatchObject({ code: 'poll_not_found' });
    },
  );
});
