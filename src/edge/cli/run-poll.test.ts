/** `apura poll` asks exactly what was typed, shows what came back, and tells problems in words. */
import { describe, expect, test } from 'bun:test';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordingIo } from '../../../test/support/recording-io.ts';
import { type AskedRequest, scriptedServer } from '../../../test/support/scripted-server.ts';
import { runPoll } from './run-poll.ts';

const POLL = {
  id: 'final',
  title: 'Quem vence?',
  state: 'draft',
  options: [
    { id: 'ana', name: 'Ana', imageUrl: null },
    { id: 'bia', name: 'Bia', imageUrl: null },
  ],
  opensAt: null,
  closesAt: '2026-11-22T01:00:00.000Z',
  timeZone: 'America/Sao_Paulo',
};

async function run(
  argv: readonly string[],
  answer: (asked: AskedRequest) => Response | undefined = () => Response.json(POLL),
) {
  await using server = scriptedServer(answer);
  const io = recordingIo();
  const exitCode = await runPoll([...argv, '--url', server.url, '--token', 'secret'], io);
  return { exitCode, io, asked: server.asked };
}

describe('create', () => {
  const CREATE = ['create', '--title', 'Quem vence?', '--option', 'ana=Ana', '--option', 'Bia = B'];

  test('sends the fields that were given, and no others', async () => {
    const { exitCode, asked, io } = await run(CREATE);
    expect(exitCode).toBe(0);
    expect(asked).toEqual([
      {
        method: 'POST',
        path: '/v1/polls',
        authorization: 'Bearer secret',
        body: {
          title: 'Quem vence?',
          options: [{ id: 'ana', name: 'Ana' }, { name: 'Bia = B' }],
        },
      },
    ]);
    expect(io.out).toContain('final  draft  -      2026-11-21 22:00 GMT-3        2  Quem vence?');
  });

  test('sends every field that has a flag', async () => {
    const flags = ['--id=final', '--opens-at=2026-11-21T20:00:00Z', '--closes-at', 'later'];
    flags.push('--time-zone=UTC', '--visibility=never', '--detail=count');
    const { asked } = await run([...CREATE, ...flags]);
    expect(asked[0]?.body).toMatchObject({
      id: 'final',
      opensAt: '2026-11-21T20:00:00Z',
      closesAt: 'later',
      timeZone: 'UTC',
      resultsVisibility: 'never',
      resultsDetail: 'count',
    });
  });

  test('opens the poll at once when told to', async () => {
    const { asked, io } = await run([...CREATE, '--open'], ({ path }) =>
      Response.json({ ...POLL, state: path.endsWith('/open') ? 'open' : 'draft' }),
    );
    expect(asked.map(({ path }) => path)).toEqual(['/v1/polls', '/v1/polls/final/open']);
    expect(io.out).toContain('final  open');
  });

  test('takes a JSON file, over which flags win', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'apura-poll-'));
    try {
      const file = join(folder, 'poll.json');
      await writeFile(file, JSON.stringify({ title: 'Old', options: [], look: { logoUrl: null } }));
      const { asked } = await run(['create', '--file', file, '--title', 'New']);
      expect(asked[0]?.body).toEqual({ title: 'New', options: [], look: { logoUrl: null } });
      for (const [text, words] of [
        ['{', 'can not be read as JSON'],
        ['[]', 'does not hold a JSON object'],
      ] as const) {
        await writeFile(file, text);
        const { exitCode, io, asked: none } = await run(['create', '--file', file]);
        expect([exitCode, none]).toEqual([2, []]);
        expect(io.err).toContain(words);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('without title or options is refused before anything is sent', async () => {
    const { exitCode, io, asked } = await run(['create', '--title', 'Quem?']);
    expect([exitCode, asked]).toEqual([2, []]);
    expect(io.err).toContain('a poll needs a title and at least two options');
  });

  test('tells each field that the server refuses', async () => {
    const { exitCode, io } = await run(CREATE, () =>
      Response.json(
        {
          code: 'invalid_body',
          title: 'A field is missing.',
          detail: 'Two fields are wrong.',
          errors: [
            { pointer: '/closesAt', code: 'invalid_body', detail: 'Must be a time.' },
            { pointer: '/titel', code: 'unknown_field', detail: 'Not known.' },
          ],
        },
        { status: 422 },
      ),
    );
    expect(exitCode).toBe(1);
    expect(io.err).toBe(
      'invalid_body: Two fields are wrong.\n' +
        '  /closesAt invalid_body: Must be a time.\n' +
        '  /titel unknown_field: Not known.\n',
    );
  });
});

describe('list', () => {
  const pages = ({ path }: AskedRequest) =>
    path.includes('cursor=')
      ? Response.json({ items: [{ ...POLL, id: 'second' }], nextCursor: null })
      : Response.json({ items: [POLL], nextCursor: 'more' });

  test('shows the polls of every page', async () => {
    const { exitCode, io, asked } = await run(['list', '--state', 'open,draft'], pages);
    expect(exitCode).toBe(0);
    expect(asked.map(({ path }) => path)).toEqual([
      '/v1/polls?limit=200&state=open%2Cdraft',
      '/v1/polls?limit=200&state=open%2Cdraft&cursor=more',
    ]);
    expect(io.out.split('\n').map((line) => line.split(' ')[0])).toEqual([
      'ID',
      'final',
      'second',
      '',
    ]);
  });

  test('with --json prints them as they are', async () => {
    const { io } = await run(['list', '--json'], pages);
    expect(JSON.parse(io.out)).toEqual({ items: [POLL, { ...POLL, id: 'second' }] });
  });

  test('says when there are none', async () => {
    const { io } = await run(['list'], () => Response.json({ items: [], nextCursor: null }));
    expect(io.out).toBe('There are no polls.\n');
  });
});

describe('an act', () => {
  for (const act of ['open', 'pause', 'resume', 'close', 'publish', 'archive']) {
    test(`is asked for as it is named: ${act}`, async () => {
      const { exitCode, asked } = await run([act, 'fi nal', '--expected-version', '4']);
      expect(exitCode).toBe(0);
      expect(asked).toEqual([
        {
          method: 'POST',
          path: `/v1/polls/fi%20nal/${act}`,
          authorization: 'Bearer secret',
          body: { expectedVersion: 4 },
        },
      ]);
    });
  }

  test('that the state does not allow is told as the server says it', async () => {
    const detail = 'A poll can pause from open; this one is draft.';
    const { exitCode, io } = await run(['pause', 'final'], () =>
      Response.json({ code: 'poll_state', detail }, { status: 409 }),
    );
    expect(exitCode).toBe(1);
    expect(io.err).toBe(`poll_state: ${detail}\n`);
  });

  test('without a poll is refused', async () => {
    const { exitCode, io } = await run(['open']);
    expect(exitCode).toBe(2);
    expect(io.err).toContain('apura poll open needs <poll>');
  });

  test('close says that counting goes on, or waits for it', async () => {
    const at = (state: string) => Response.json({ ...POLL, state });
    const closing = await run(['close', 'final'], () => at('closing'));
    expect(closing.io.err).toContain('--wait');
    let looks = 0;
    const waited = await run(['close', 'final', '--wait', '--json'], ({ method }) => {
      if (method === 'GET') looks += 1;
      return at(looks < 2 ? 'closing' : 'closed');
    });
    expect(JSON.parse(waited.io.out).state).toBe('closed');
    expect(waited.asked.map(({ method }) => method)).toEqual(['POST', 'GET', 'GET']);
    const late = await run(['close', 'final', '--wait', '--within', '10ms'], () => at('closing'));
    expect(late.exitCode).toBe(1);
    expect(late.io.err).toContain('not_ready: The poll final is still closing');
  });
});

describe('an answer that is not Apura’s', () => {
  const oddities: readonly (readonly [string, () => Response, string])[] = [
    ['HTML', () => new Response('<html>'), 'is not JSON'],
    ['a list', () => Response.json([1]), 'is not a poll'],
    ['a number', () => Response.json(7), 'is not a JSON object'],
    ['an error page', () => new Response('oops', { status: 502 }), 'answered 502'],
    ['an unknown code', () => Response.json({ code: 'teapot' }, { status: 418 }), 'internal: '],
    ['a redirect', () => Response.redirect('http://127.0.0.1:1/'), 'No Apura server answers'],
  ];
  for (const [name, answer, words] of oddities) {
    test(`is told in words: ${name}`, async () => {
      const { exitCode, io } = await run(['open', 'final'], answer);
      expect(exitCode).toBe(1);
      expect(io.err).toContain(words);
    });
  }

  test('a refused token comes with advice', async () => {
    const { io } = await run(['open', 'final'], () =>
      Response.json({ code: 'unauthorized', detail: 'Wrong token.' }, { status: 401 }),
    );
    expect(io.err).toContain('unauthorized: Wrong token.');
    expect(io.err).toContain('--token-file');
  });
});
