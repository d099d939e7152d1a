/** `apura dead-letters` asks exactly what was typed, and never decides about letters that nobody named. */
import { describe, expect, test } from 'bun:test';
import { recordingIo } from '../../../test/support/recording-io.ts';
import { type AskedRequest, scriptedServer } from '../../../test/support/scripted-server.ts';
import { runDeadLetters } from './run-dead-letters.ts';

const ID = 'ab'.repeat(32);
const OTHER = 'cd'.repeat(32);
const LETTER = {
  id: ID,
  queue: 'resource-consumption.dlq',
  state: 'PENDING',
  code: 'malformed',
  message: 'Not a pulse.',
  tenant: null,
  origin: { logId: 'abc', partition: 3, offset: 42, index: 7 },
  attempts: 2,
  firstFailedAt: '2026-11-20T10:00:00.000Z',
  lastFailedAt: '2026-11-21T10:00:00.000Z',
  retryAt: null,
  resolvedBy: null,
  resolvedAt: null,
  size: 3,
};

type Answer = (asked: AskedRequest) => Response | undefined;

async function run(argv: readonly string[], answer: Answer) {
  await using server = scriptedServer(answer);
  const io = recordingIo();
  const exitCode = await runDeadLetters([...argv, '--url', server.url, '--token', 'secret'], io);
  return { exitCode, out: io.out, err: io.err, asked: server.asked };
}

describe('list', () => {
  const pages: Answer = ({ path }) =>
    path.includes('cursor=')
      ? Response.json({ items: [{ ...LETTER, id: OTHER, tenant: 'acme' }], nextCursor: null })
      : Response.json({ items: [LETTER], nextCursor: 'more' });

  test('shows the letters of every page, newest failure first as they come', async () => {
    const { exitCode, out, err, asked } = await run(['list'], pages);
    expect([exitCode, err]).toEqual([0, '']);
    expect(asked.map(({ path }) => path)).toEqual([
      '/v1/dead-letters?limit=100',
      '/v1/dead-letters?limit=99&cursor=more',
    ]);
    expect(asked[0]?.authorization).toBe('Bearer secret');
    const [heads, first, second] = out.split('\n').map((line) => line.split(/ {2,}/));
    expect(heads).toEqual(['ID', 'QUEUE', 'STATE', 'CODE', 'TENANT', 'TRIES', 'LAST FAILED']);
    const of = [LETTER.queue, 'PENDING', 'malformed'];
    expect(first).toEqual([ID, ...of, '-', '2', LETTER.lastFailedAt]);
    expect(second).toEqual([OTHER, ...of, 'acme', '2', LETTER.lastFailedAt]);
  });

  test('asks for what was filtered, and says that there is more than the limit', async () => {
    const filter = ['--state=DISCARDED', '--queue=resource-usage.dlq', '--tenant=a&b', '--code=c'];
    const { asked, err, out } = await run(['list', ...filter, '--limit', '1', '--json'], pages);
    expect(asked.map(({ path }) => path)).toEqual([
      '/v1/dead-letters?state=DISCARDED&queue=resource-usage.dlq&tenant=a%26b&code=c&limit=1',
    ]);
    expect(JSON.parse(out)).toEqual({ items: [LETTER] });
    expect(err).toBe('There are more than 1: --limit shows them.\n');
  });

  test('asks for no larger page than the server gives', async () => {
    const { asked } = await run(['list', '--limit', '5000'], pages);
    expect(asked[0]?.path).toBe('/v1/dead-letters?limit=1000');
  });

  test('says when there are none', async () => {
    const { exitCode, out } = await run(['list'], () => Response.json({ items: [] }));
    expect([exitCode, out]).toEqual([0, 'There are no such dead letters.\n']);
  });

  test('an answer that is no letter is not shown as one', async () => {
    const { exitCode, err } = await run(['list'], () => Response.json({ items: [{ id: 1 }] }));
    expect([exitCode, err]).toEqual([
      1,
      'server_unreachable: The answer is not a dead letter. Is this Apura?\n',
    ]);
  });
});

describe('get', () => {
  const whole = { ...LETTER, bytes: Buffer.from([1, 0xfe, 0]).toString('base64') };

  test('shows every field, where the letter came from, and its bytes in hex', async () => {
    const { exitCode, out, asked } = await run(['get', ID], () => Response.json(whole));
    expect(exitCode).toBe(0);
    expect(asked.map(({ method, path }) => [method, path])).toEqual([
      ['GET', `/v1/dead-letters/${ID}`],
    ]);
    const rows = Object.fromEntries(out.split('\n').map((line) => line.split(/ {2,}/)));
    expect(rows).toMatchObject({
      id: ID,
      message: 'Not a pulse.',
      tenant: '-',
      origin: 'log abc, partition 3, offset 42, place 7',
      bytes: '01fe00',
    });
  });

  test('shows a whole block without a place in it', async () => {
    const block = { ...whole, origin: { ...LETTER.origin, index: null } };
    const { out } = await run(['get', 'x/y'], ({ path }) =>
      path === '/v1/dead-letters/x%2Fy' ? Response.json(block) : undefined,
    );
    expect(out).toContain('partition 3, offset 42\n');
  });

  test('with --json prints it as it is', async () => {
    const { out } = await run(['get', ID, '--json'], () => Response.json(whole));
    expect(JSON.parse(out)).toEqual(whole);
  });

  test('tells a letter that is not there', async () => {
    const detail = 'No dead letter has this id.';
    const { exitCode, err } = await run(['get', ID], () =>
      Response.json({ code: 'dead_letter_not_found', detail }, { status: 404 }),
    );
    expect([exitCode, err]).toEqual([1, `dead_letter_not_found: ${detail}\n`]);
  });
});

describe.each([
  ['requeue', 'sent again'],
  ['discard', 'given up'],
])('%s', (verb, done) => {
  const byId: Answer = ({ body }) => {
    const { ids } = body as { readonly ids: readonly string[] };
    const results = ids.map((id) => ({ id, result: 'resolved', state: 'REQUEUED' }));
    return Response.json({ results });
  };

  test('of ids asks for these, and tells the result of each', async () => {
    const { exitCode, out, asked } = await run([verb, ID, OTHER], byId);
    expect(exitCode).toBe(0);
    expect(asked.map(({ method, path, body }) => [method, path, body])).toEqual([
      ['POST', `/v1/dead-letters/${verb}`, { ids: [ID, OTHER] }],
    ]);
    expect(out).toContain(`${ID}  resolved  REQUEUED\n${OTHER}  resolved  REQUEUED\n`);
  });

  test('of many ids asks in requests that the server takes', async () => {
    const ids = Array.from({ length: 101 }, (_, n) => n.toString(16).padStart(64, '0'));
    const { asked, out } = await run([verb, ...ids, '--json'], byId);
    const bodies = asked.map(({ body }) => (body as { ids: readonly string[] }).ids);
    expect(bodies).toEqual([ids.slice(0, 100), ids.slice(100)]);
    expect((JSON.parse(out) as { results: unknown[] }).results).toHaveLength(101);
  });

  test('of a letter that is not there ends with 1', async () => {
    const results = [
      { id: ID, result: 'resolved', state: 'REQUEUED' },
      { id: OTHER, result: 'not_found', state: null },
    ];
    const { exitCode, out } = await run([verb, ID, OTHER], () => Response.json({ results }));
    expect(exitCode).toBe(1);
    expect(out).toContain(`${OTHER}  not_found  -\n`);
  });

  test('by a filter asks for one batch, and says that more match', async () => {
    const { exitCode, out, err, asked } = await run([verb, '--code', 'c', '--tenant=t'], () =>
      Response.json({ resolved: 500, failed: [], nextCursor: 'a', hasMore: true }),
    );
    expect(exitCode).toBe(0);
    expect(asked.map(({ body }) => body)).toEqual([{ filter: { tenant: 't', code: 'c' } }]);
    expect(out).toBe(`500 letters ${done}.\n`);
    expect(err).toBe('More match: run it again, or with more --batches.\n');
  });

  test('by a filter goes on while more match, as many batches as were asked for', async () => {
    const answers = [500, 500, 1];
    const next: Answer = () => {
      const resolved = answers.shift() ?? 0;
      const nextCursor = answers.length > 0 ? `place-${answers.length}` : null;
      return Response.json({ resolved, failed: [], nextCursor, hasMore: nextCursor !== null });
    };
    const whole = await run([verb, '--all', '--batches', '9', '--json'], next);
    expect(whole.asked.map(({ body }) => body)).toEqual([
      { filter: {} },
      { filter: {}, cursor: 'place-2' },
      { filter: {}, cursor: 'place-1' },
    ]);
    expect(JSON.parse(whole.out)).toEqual({ resolved: 1_001, failed: [], hasMore: false });
    expect(whole.err).toBe('');
    const two = await run([verb, '--all', '--batches', '2'], () =>
      Response.json({ resolved: 1, failed: [], nextCursor: 'place', hasMore: true }),
    );
    expect(two.asked).toHaveLength(2);
    const one = await run([verb, '--all'], () =>
      Response.json({ resolved: 1, failed: [], nextCursor: null, hasMore: false }),
    );
    expect(one.out).toBe(`1 letter ${done}.\n`);
  });

  test('by a filter says which could not be, and why', async () => {
    const failed = [{ id: ID, code: 'log_mismatch', detail: 'The bytes come from the log old.' }];
    const { exitCode, out } = await run([verb, '--all'], () =>
      Response.json({ resolved: 2, failed, nextCursor: null, hasMore: false }),
    );
    expect(exitCode).toBe(1);
    expect(out).toStartWith(`2 letters ${done}.\n`);
    expect(out).toContain(`${ID}  log_mismatch  The bytes come from the log old.`);
  });

  test.each([[[]], [[ID, '--all']], [[ID, '--code=c']], [['--all', '--queue=resource-usage.dlq']]])(
    'decides about nothing unless told exactly which: %j',
    async (argv) => {
      const { exitCode, err, asked } = await run([verb, ...argv], byId);
      expect([exitCode, asked]).toEqual([2, []]);
      expect(err).toContain('usage: say which');
    },
  );

  test('help names the ids', async () => {
    const { out } = await run([verb, '--help'], byId);
    expect(out).toContain(`Usage: apura dead-letters ${verb} [<letter>…] [flags]`);
  });
});
