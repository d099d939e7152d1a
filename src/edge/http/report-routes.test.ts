/** Proves that a report says the same in every form, only to whom it may, and costs a store little. */
import { beforeEach, describe, expect, test } from 'bun:test';
import { type Ask, EdgeRoom } from '../../../test/support/edge-room.ts';
import { START_TIME } from '../../../test/support/voting-room.ts';
import { HOUR_MS, MINUTE_MS } from '../../domain/counting/time-window.ts';
import { reportSchema } from './report-schema.ts';

const OPERATOR = { operator: true } as const;
const MINUTE = START_TIME / MINUTE_MS;
let room: EdgeRoom;

beforeEach(async () => {
  room = new EdgeRoom();
  await room.place({
    title: 'Quem <deve> sair?',
    state: 'open',
    opensAt: START_TIME,
    options: [
      { id: 'ana', name: '=HYPERLINK("http://evil.test")', imageUrl: null },
      { id: 'bruno', name: 'Bruno & Cia', imageUrl: null },
    ],
  });
  await room.place({ id: 'semi', title: 'Semi', state: 'closed', opensAt: START_TIME - HOUR_MS });
  count('ana', 1_234);
  count('bruno', 766, MINUTE + 1);
});

function count(item: string, votes: number, minute = MINUTE, scope = 'final'): void {
  room.windows.push({ scope, item, lane: 'valid', minute, count: votes });
}

const ask = (query = '', options: Ask = OPERATOR, poll = 'final') =>
  room.ask(`/v1/polls/${poll}/report${query}`, options);
const json = async (query = '', options: Ask = OPERATOR) =>
  (await ask(query, options)).json() as Promise<Record<string, unknown>>;

describe('a report as JSON', () => {
  test('is what the document says, with the books, the record and the position', async () => {
    const response = await ask();
    expect(response.headers.get('content-type')).toBe('application/json');
    const body = reportSchema.parse(await response.json());
    expect(body).toMatchObject({
      poll: 'final',
      state: 'open',
      final: false,
      total: 2_000,
      options: [
        { id: 'ana', votes: 1_234, share: 0.617 },
        { id: 'bruno', votes: 766, share: 0.383 },
      ],
      hours: [
        {
          from: '2026-11-21T20:00:00.000Z',
          to: '2026-11-21T21:00:00.000Z',
          total: 2_000,
          options: { ana: 1_234, bruno: 766 },
        },
      ],
      peakMinute: { from: '2026-11-21T20:00:00.000Z', votes: 1_234 },
      books: { logged: 2_000, counted: 2_000, balanced: true },
      record: { consistency: { state: 'consistent' }, voids: [] },
      comparison: null,
      version: 12,
      offsets: [{ partition: 0, next: 12 }],
      asOf: '2026-11-21T20:00:00.000Z',
    });
    expect(body.record?.acts).toMatchObject([{ act: 'create', actor: 'operator' }]);
  });

  test('lays other polls beside it', async () => {
    count('ana', 5, MINUTE - 60, 'semi');
    const body = reportSchema.parse(await json('?compare=semi'));
    expect(body.comparison).toMatchObject([
      { poll: 'final', total: 2_000, final: false, hours: [2_000] },
      { poll: 'semi', total: 5, final: true, startsAt: '2026-11-21T19:00:00.000Z', hours: [5, 0] },
    ]);
  });
});

describe('a report as CSV', () => {
  test('has one fact a line, on the poll’s clocks, and nothing that a spreadsheet runs', async () => {
    const response = await ask('?format=csv&compare=semi');
    expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
    expect(response.headers.get('content-disposition')).toBe(
      'attachment; filename="final-report.csv"',
    );
    const lines = (await response.text()).split('\r\n');
    expect(lines[0]).toBe('section,poll,from,to,option,name,value');
    const hour = '2026-11-21T17:00:00.000-03:00,2026-11-21T18:00:00.000-03:00';
    expect(lines).toContain('poll,final,,,,opensAt,2026-11-21T17:00:00.000-03:00');
    expect(lines).toContain('poll,final,,,,closesAt,');
    expect(lines).toContain('offset,final,,,,partition 0,12');
    expect(lines).toContain('total,final,,,,votes,2000');
    expect(lines).toContain(`option,final,,,ana,name,"'=HYPERLINK(""http://evil.test"")"`);
    expect(lines).toContain('option,final,,,ana,share,0.617');
    expect(lines).toContain(`peak,final,${hour},,peakHour,2000`);
    expect(lines).toContain(`hour,final,${hour},ana,votes,1234`);
    expect(lines).toContain('books,final,,,,balanced,true');
    expect(lines).toContain('consistency,final,,,,state,consistent');
    expect(lines.some((line) => /^act,final,[^,]+,,,operator,create$/.test(line))).toBe(true);
    expect(lines).toContain('compare,semi,,,,votes,0');
    expect(lines).toContain('compare,final,,,,hour 1,2000');
    for (const line of lines.slice(0, -1)) {
      expect(line.replaceAll(/"[^"]*"/g, '').split(',')).toHaveLength(7);
    }
  });

  test('of a poll without votes has no peak and no books for the public', async () => {
    await room.place({
      id: 'new',
      state: 'open',
      resultsVisibility: 'always',
      resultsDetail: 'count',
    });
    const text = await (await ask('?format=csv', {}, 'new')).text();
    expect(text).not.toMatch(/^(peak|books|act|consistency|hour|compare),/m);
    expect(text).toContain('total,new,,,,votes,0');
  });
});

describe('a report as a page', () => {
  test('is in the reader’s language, and no name in it becomes markup', async () => {
    const response = await ask('', { ...OPERATOR, headers: { accept: 'text/html,*/*;q=0.8' } });
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const page = await response.text();
    expect(page).toContain('<html lang="pt-BR">');
    expect(page).toContain('<h1>Quem &lt;deve&gt; sair?</h1>');
    expect(page).toContain('61,70%');
    expect(page).not.toMatch(/<script|<style|style="/);
  });

  test('speaks the language that is asked for, and remembers it', async () => {
    const response = await ask('?format=html&lang=es');
    expect(response.headers.get('set-cookie')).toContain('apura_lang=es');
    expect(await response.text()).toContain('Informe de la votación');
  });
});

describe('who may read', () => {
  test('is told by the poll: counts shown to all, or an operator', async () => {
    const hidden = await ask('', {});
    expect(hidden.status).toBe(403);
    expect(await hidden.json()).toMatchObject({ code: 'forbidden' });
    await room.place({
      version: 2,
      state: 'open',
      opensAt: START_TIME,
      resultsVisibility: 'always',
      resultsDetail: 'count',
    });
    expect(await json('', {})).toMatchObject({ total: 2_000, books: null, record: null });
    expect((await ask('?compare=semi', {})).status).toBe(403);
  });

  test('a report that was just hidden is not shown from memory', async () => {
    const open = { opensAt: START_TIME, state: 'open', resultsDetail: 'count' } as const;
    await room.place({ ...open, version: 2, resultsVisibility: 'always' });
    expect((await ask('', {})).status).toBe(200);
    await room.place({ ...open, version: 3, resultsVisibility: 'never' });
    expect((await ask('', {})).status).toBe(403);
  });
});

describe('a report asked for again', () => {
  test('is the same for a second, and then a new one', async () => {
    await ask();
    count('ana', 1, MINUTE + 1);
    expect(await json()).toMatchObject({ total: 2_000 });
    room.clock.advance(1_000);
    expect(await json()).toMatchObject({ total: 2_001 });
  });

  test('is not sent again while nothing has happened, in the same form', async () => {
    const first = await ask();
    const etag = first.headers.get('etag') ?? '';
    expect(first.headers.get('cache-control')).toBe('private, max-age=1');
    expect(first.headers.get('vary')).toContain('Accept, Accept-Language, Authorization');
    room.clock.advance(5_000);
    const again = await ask('', { ...OPERATOR, headers: { 'if-none-match': etag } });
    expect([again.status, await again.text()]).toEqual([304, '']);
    for (const query of ['?format=csv', '?format=html', '?format=html&lang=en']) {
      const other = await ask(query, { ...OPERATOR, headers: { 'if-none-match': etag } });
      expect(other.status).toBe(200);
    }
    count('ana', 1, MINUTE + 1);
    room.clock.advance(5_000);
    const moved = await ask('', { ...OPERATOR, headers: { 'if-none-match': etag } });
    expect(moved.status).toBe(200);
  });
});

describe('what can not be reported', () => {
  test.each([
    'format=pdf',
    'compare=',
    'compare=final',
    'compare=semi,semi',
    'compare=../x',
    `compare=${Array.from({ length: 9 }, (_, index) => `p${index}`).join(',')}`,
    'from=now',
  ])('refuses ?%s', async (query) => {
    const response = await ask(`?${query}`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'invalid_query' });
  });

  test('is a poll that is not there, whichever it is', async () => {
    expect(await (await ask('', OPERATOR, 'none')).json()).toMatchObject({
      code: 'poll_not_found',
    });
    const beside = await json('?compare=none');
    expect(beside).toMatchObject({ code: 'poll_not_found', detail: 'No poll has the id none.' });
  });

  test('is a poll of more hours than a report has', async () => {
    await room.place({ id: 'long', state: 'open', opensAt: START_TIME - 9_000 * HOUR_MS });
    expect(await (await ask('', OPERATOR, 'long')).json()).toMatchObject({ code: 'invalid_query' });
  });
});
