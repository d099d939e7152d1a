/** `apura load` ends well only where the server's own books agree with every vote that was sent. */
import { describe, expect, test } from 'bun:test';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { voteKey } from '../../../test/support/api-client.ts';
import { FakePollServer, type TryFate } from '../../../test/support/fake-poll-server.ts';
import { type RecordingIo, recordingIo } from '../../../test/support/recording-io.ts';
import { runLoad } from './run-load.ts';

interface Result {
  readonly exitCode: number;
  readonly io: RecordingIo;
}

const SHORT = ['--rate', '500', '--duration', '200ms', '--connections', '4', '--seed', '1'];

async function loadAgainst(server: FakePollServer, ...argv: string[]): Promise<Result> {
  const io = recordingIo();
  const given = ['--url', server.url, '--token', server.token, ...SHORT, ...argv];
  return { exitCode: await runLoad(given, io), io };
}

/** Runs with `--json` and gives its one object. */
async function reportOf(server: FakePollServer, ...argv: string[]) {
  const { exitCode, io } = await loadAgainst(server, '--json', ...argv);
  return { exitCode, report: JSON.parse(io.out) };
}

async function serverThat(fate: TryFate, everyNth = 10): Promise<FakePollServer> {
  return new FakePollServer(({ number, earlier }) =>
    number % everyNth === 3 && earlier === 0 ? fate : 'accept',
  ).start();
}

describe('an honest server', () => {
  test('gets an exact balance sheet and exit code 0', async () => {
    await using server = await new FakePollServer().start();
    const { exitCode, report } = await reportOf(server);
    expect(exitCode).toBe(0);
    expect(report).toMatchObject({
      poll: 'demo',
      seed: 1,
      sent: 100,
      accepted: 100,
      rejected: 0,
      unknown: 0,
      unsent: 0,
      tries: 100,
      balance: { countedAccepted: 100, countedUnknown: 0, others: 0, violations: [] },
      exact: true,
    });
    expect(report.latencyMs.count).toBe(100);
    expect(report.latencyMs.p99).toBeGreaterThan(0);
    expect(report.acceptedBySecond).toEqual([100]);
  });

  test('is told to a person line by line', async () => {
    await using server = await new FakePollServer().start();
    const { exitCode, io } = await loadAgainst(server);
    expect(exitCode).toBe(0);
    expect(io.out).toContain('sent              100');
    expect(io.out).toContain('Balance sheet, id by id: EXACT');
    expect(io.out).toContain('✓ sent = accepted + rejected + unknown: 100 + 0 + 0 = 100');
    expect(io.out).toContain('✓ accepted ⊆ counted: 100 of 100 ids');
    expect(io.out).not.toContain('✗');
    expect(io.err).toBe('');
  });

  test('with cut connections, doubts and refusals on the way still balances', async () => {
    const fates: readonly TryFate[] = [
      'accept',
      'drop',
      'count_and_drop',
      'doubt',
      'count_and_doubt',
      'overloaded',
      'close_after',
    ];
    await using server = await new FakePollServer(({ number, earlier }) =>
      earlier > 0 ? 'accept' : (fates[number % fates.length] ?? 'accept'),
    ).start();
    const { exitCode, report } = await reportOf(server);
    expect(exitCode).toBe(0);
    expect(report).toMatchObject({ exact: true, unknown: 0 });
    expect(report.rejectedByCode.overloaded).toBe(report.rejected);
    expect(report.accepted + report.rejected).toBe(100);
    expect(report.tries).toBeGreaterThan(100);
  });

  test('without retries balances with unknown votes, of which some count', async () => {
    await using server = await new FakePollServer(({ number }) =>
      number % 10 === 3 ? 'drop' : number % 10 === 7 ? 'count_and_doubt' : 'accept',
    ).start();
    const { exitCode, report } = await reportOf(server, '--no-retry');
    expect(exitCode).toBe(0);
    expect(report).toMatchObject({ accepted: 80, unknown: 20, retryForMs: 0 });
    expect(report.balance).toMatchObject({ countedAccepted: 80, countedUnknown: 10 });
  });

  test('is given time to count to its log’s end', async () => {
    await using server = await new FakePollServer().start();
    server.behindFor = 3;
    const { exitCode, report } = await reportOf(server);
    expect([exitCode, report.exact]).toEqual([0, true]);
    expect(server.behindFor).toBeLessThan(0);
  });

  /** What an operator's requests are about, as the sheet makes them. */
  type Step = 'results' | 'consistency' | 'export';

  test.each<readonly (readonly [step: Step, nth: number])[]>([
    // Logged when the stores had counted this run's votes, counted when the export had begun.
    [
      ['consistency', 2],
      ['results', 2],
    ],
    [
      ['consistency', 2],
      ['consistency', 3],
    ],
    [
      ['export', 1],
      ['results', 2],
    ],
    // Logged behind the export, while the results are waited for.
    [
      ['results', 2],
      ['consistency', 3],
    ],
    [
      ['results', 2],
      ['results', 2],
    ],
  ])('is not accused of the vote of another, logged at %p and counted at %p', async (...when) => {
    await using server = await new FakePollServer().start();
    const asked: Record<string, number> = {};
    server.onAsked = (pathname) => {
      const step = pathname.slice(pathname.lastIndexOf('/') + 1);
      asked[step] = (asked[step] ?? 0) + 1;
      const [isLogged, isCounted] = when.map(([at, nth]) => step === at && asked[at] === nth);
      if (isLogged) server.uncounted = 1;
      if (isCounted) {
        server.uncounted = 0;
        server.rows.push({ id: voteKey(), option: 'bia' });
      }
    };
    const { exitCode, report } = await reportOf(server, '--settle', '300ms');
    expect(report.balance.violations).toEqual([]);
    expect([exitCode, report.exact]).toEqual([0, true]);
    expect(server.rows.length).toBe(101);
  });

  test('whose clock is two hours off gets ids in its own time', async () => {
    await using server = await new FakePollServer().start();
    server.clockSkewMs = -7_200_000;
    await loadAgainst(server);
    const [first = ''] = server.tries;
    const idTime = Number.parseInt(first.replaceAll('-', '').slice(0, 12), 16);
    expect(Math.abs(idTime - (Date.now() - 7_200_000))).toBeLessThan(5_000);
  });
});

describe('a dishonest server', () => {
  const frauds: readonly (readonly [TryFate, string])[] = [
    ['lose', 'lost'],
    ['count_twice', 'twice'],
    ['count_other_option', 'wrong_option'],
    ['refuse_and_count', 'rejected_counted'],
    ['answer_other_id', 'wrong_answer'],
  ];
  for (const [fate, kind] of frauds) {
    test(`is found out, with exit code 1 and the ids: ${fate}`, async () => {
      await using server = await serverThat(fate);
      const { exitCode, report } = await reportOf(server);
      expect(exitCode).toBe(1);
      expect(report.exact).toBe(false);
      const kinds = report.balance.violations.map((found: { kind: string }) => found.kind);
      expect(kinds).toContain(kind);
      for (const { first } of report.balance.violations) expect(first.length).toBeGreaterThan(0);
    });
  }

  test('is found out by one lost vote among many, named by its key', async () => {
    await using server = await serverThat('lose', 100);
    const { exitCode, io } = await loadAgainst(server);
    expect(exitCode).toBe(1);
    expect(io.out).toContain('Balance sheet, id by id: NOT EXACT');
    expect(io.out).toContain('✗ accepted ⊆ counted: 99 of 100 ids');
    const missing = server.tries.find((key) => !server.rows.some(({ id }) => id === key)) ?? '';
    expect(io.out).toContain(`  lost: 1\n    ${missing}`);
  });

  test('is found out by results that show less than it counted', async () => {
    await using server = await new FakePollServer().start();
    server.hideFromResults = 1;
    const { exitCode, report } = await reportOf(server, '--settle', '300ms');
    expect(exitCode).toBe(1);
    const kinds = report.balance.violations.map((found: { kind: string }) => found.kind);
    expect(kinds).toEqual(['results_behind', 'results_differ']);
  });

  test('is found out when its own check says that its stores differ', async () => {
    await using server = await new FakePollServer().start();
    server.inconsistency = 'partition 0 differs';
    const { exitCode, io } = await loadAgainst(server);
    expect(exitCode).toBe(1);
    expect(io.out).toContain('partition 0 differs');
  });

  test('that never counts to its end is not balanced, and the run is told all the same', async () => {
    await using server = await new FakePollServer().start();
    server.behindFor = Number.POSITIVE_INFINITY;
    const { exitCode, io } = await loadAgainst(server, '--settle', '300ms');
    expect(exitCode).toBe(1);
    expect(io.err).toContain('not_balanced: The server has not counted to the end of its log');
    expect(io.out).toContain('accepted          100');
  });
});

describe('the command', () => {
  test('without a token fails before the first vote and says what to do', async () => {
    await using server = await new FakePollServer().start();
    const io = recordingIo({ env: { APURA_DATA: '/nonexistent' } });
    expect(await runLoad(['--url', server.url, ...SHORT], io)).toBe(1);
    expect(io.err).toContain('unauthorized');
    expect(io.err).toContain('--token-file');
    expect(server.tries).toEqual([]);
  });

  test('finds the token in a file, the environment and the data folder', async () => {
    await using server = await new FakePollServer().start();
    const folder = await mkdtemp(join(tmpdir(), 'apura-load-'));
    try {
      const file = join(folder, 'admin-token');
      await writeFile(file, `${server.token}\n`);
      const url = ['--url', server.url, ...SHORT];
      const sources: [string[], Record<string, string>][] = [
        [[...url, '--token-file', file], {}],
        [url, { APURA_ADMIN_TOKEN: server.token }],
        [url, { APURA_DATA: folder }],
      ];
      for (const [argv, env] of sources) {
        expect(await runLoad(argv, recordingIo({ env }))).toBe(0);
      }
      const io = recordingIo();
      expect(await runLoad([...url, '--token-file', join(folder, 'none')], io)).toBe(2);
      expect(io.err).toContain('There is no token in');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('finds votes and books at the ports of the environment, or where it is told', async () => {
    await using votes = await new FakePollServer().start();
    const { port } = new URL(votes.url);
    const env = { APURA_HTTP_PORT: port, APURA_ADMIN_TOKEN: votes.token };
    expect(await runLoad(SHORT, recordingIo({ env }))).toBe(0);
    const io = recordingIo({ env: { ...env, APURA_ADMIN_PORT: '1' } });
    expect(await runLoad(SHORT, io)).toBe(1);
    expect(io.err).toContain('No Apura server answers at http://127.0.0.1:1');
    expect(await runLoad([...SHORT, '--admin-url', votes.url], io)).toBe(0);
  });

  test('votes at a door that knows nothing but votes and time', async () => {
    await using server = await new FakePollServer().start();
    await using door = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      async fetch(request) {
        const { pathname } = new URL(request.url);
        if (!/\/votes$|^\/v1\/time$/.test(pathname)) return new Response(null, { status: 404 });
        const { method, headers } = request;
        const body = method === 'POST' ? await request.text() : null;
        return fetch(server.url + pathname, { method, headers, body });
      },
    });
    const io = recordingIo({ env: { APURA_ADMIN_TOKEN: server.token } });
    const places = ['--url', door.url.origin, '--admin-url', server.url];
    expect(await runLoad([...SHORT, ...places, '--json'], io)).toBe(0);
    const report = JSON.parse(io.out);
    expect(report).toMatchObject({ url: door.url.origin, accepted: 100, exact: true });
  });

  test('with --no-check needs no token and says that nothing was checked', async () => {
    await using server = await new FakePollServer().start();
    const io = recordingIo({ env: { APURA_DATA: '/nonexistent' } });
    expect(await runLoad(['--url', server.url, '--no-check', ...SHORT], io)).toBe(0);
    expect(io.out).toContain('Balance sheet: not asked for');
    const json = recordingIo({ env: { APURA_DATA: '/nonexistent' } });
    await runLoad(['--url', server.url, '--no-check', '--json', ...SHORT], json);
    expect(JSON.parse(json.out)).toMatchObject({ balance: null, exact: null });
  });

  test('says so when no server answers, or no such poll is there', async () => {
    const io = recordingIo();
    expect(await runLoad(['--url', 'http://127.0.0.1:1', '--token', 'x', ...SHORT], io)).toBe(1);
    expect(io.err).toContain('server_unreachable: No Apura server answers at http://127.0.0.1:1.');
    await using server = await new FakePollServer().start();
    const { exitCode, io: other } = await loadAgainst(server, '--poll', 'final');
    expect(exitCode).toBe(1);
    expect(other.err).toContain('poll_not_found');
  });

  test('refuses what it can not do', async () => {
    for (const [argv, words] of [
      [['--url', 'https://127.0.0.1:1'], 'speaks plain HTTP'],
      [['--url', 'localhost:8080'], "is not a server's address"],
      [['--url', 'http://127.0.0.1:1/apura'], "is not a server's address"],
      [['--rate', '1000000', '--duration', '1h'], 'more than a run keeps'],
      [['--rate', 'many'], '--rate must be a whole number'],
    ] as const) {
      const io = recordingIo();
      expect(await runLoad([...argv], io)).toBe(2);
      expect(io.err).toContain(words);
    }
  });

  test('shows its progress on a terminal and cleans up behind itself', async () => {
    await using server = await new FakePollServer().start();
    const io = recordingIo({ isTTY: true });
    const argv = ['--url', server.url, '--token', server.token, '--rate', '200'];
    expect(await runLoad([...argv, '--duration', '600ms'], io)).toBe(0);
    expect(io.err).toContain('█');
    expect(io.err).toContain('unknown 0');
    expect(io.err.endsWith('\r\x1b[K')).toBe(true);
  });

  test('that is stopped half way draws the sheet of what it sent', async () => {
    await using server = await new FakePollServer().start();
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 300);
    const io = recordingIo({ signal: stop.signal });
    const argv = ['--url', server.url, '--token', server.token, '--rate', '200', '--json'];
    expect(await runLoad([...argv, '--duration', '60s'], io)).toBe(0);
    const report = JSON.parse(io.out);
    expect(report.sent).toBeGreaterThan(0);
    expect(report).toMatchObject({ sent: report.accepted, exact: true });
    expect(report.unsent).toBe(12_000 - report.sent);
  });
});
