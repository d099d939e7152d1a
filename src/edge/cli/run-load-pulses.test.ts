/** `apura load pulses` ends well only where usage is, to the last decimal, what was acknowledged. */
import { describe, expect, test } from 'bun:test';
import { type CallFate, FakePulseServer } from '../../../test/support/fake-pulse-server.ts';
import { type RecordingIo, recordingIo } from '../../../test/support/recording-io.ts';
import { waitUntil } from '../../../test/support/wait-until.ts';
import { runLoad } from './run-load.ts';

const SHORT = [
  ...['--rate', '2000', '--duration', '200ms', '--batch', '30', '--seed', '1'],
  ...['--tenants', '3', '--skus', '2'],
];
const PULSES = 400;

interface Result {
  readonly exitCode: number;
  readonly io: RecordingIo;
}

async function loadAgainst(server: FakePulseServer, ...argv: string[]): Promise<Result> {
  const io = recordingIo();
  const given = ['pulses', '--url', server.url, '--token', server.token, ...SHORT, ...argv];
  return { exitCode: await runLoad(given, io), io };
}

async function reportOf(server: FakePulseServer, ...argv: string[]) {
  const { exitCode, io } = await loadAgainst(server, '--json', ...argv);
  return { exitCode, report: JSON.parse(io.out) };
}

function usageOf(server: FakePulseServer): string {
  const sum = [...server.taken.values()].reduce((total, { amount }) => total + amount, 0n);
  const digits = String(sum).padStart(19, '0');
  return `${digits.slice(0, -18)}.${digits.slice(-18)}`.replace(/0+$/, '');
}

describe('an honest server', () => {
  test('gets an exact balance sheet to the last decimal and exit code 0', async () => {
    await using server = await new FakePulseServer().start();
    const { exitCode, report } = await reportOf(server);
    expect(exitCode).toBe(0);
    expect(report).toMatchObject({
      seed: 1,
      batch: 30,
      sent: PULSES,
      accepted: PULSES,
      rejected: 0,
      unknown: 0,
      unsent: 0,
      tries: PULSES,
      exact: true,
      acceptedBySecond: [PULSES],
    });
    const usage = { sum: usageOf(server), count: PULSES };
    expect(report.balance).toEqual({
      ...{ acknowledged: usage, usage, series: 6, countedUnknown: 0, violations: [] },
    });
    expect(report.balance.usage.sum).toMatch(/^\d+\.\d{16,18}$/);
    expect(report.latencyMs.count).toBe(Math.ceil(PULSES / 30));
    expect(server.taken.size).toBe(PULSES);
  });

  test('gets pulses of every series, each under an id of its own, in batches', async () => {
    await using server = await new FakePulseServer().start();
    await loadAgainst(server, '--prefix', 'run-a', '--duplicates', '0');
    const pulses = server.calls.flatMap((call) => call.pulses);
    expect(new Set(pulses.map(({ id }) => id)).size).toBe(PULSES);
    const series = new Set(pulses.map((pulse) => `${pulse.tenant} ${pulse.productSku}`));
    expect([...series].sort()).toEqual(
      [1, 2, 3].flatMap((tenant) => [1, 2].map((sku) => `run-a-${tenant} run-a.sku-${sku}`)),
    );
    expect(server.calls.map((call) => call.pulses.length)).toEqual([...Array(13).fill(30), 10]);
    for (const { usedAmount, id } of pulses) {
      expect(usedAmount).toMatch(/^\d{3}\.\d{18}$/);
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
  });

  test('is told to a person line by line', async () => {
    await using server = await new FakePulseServer().start();
    const { exitCode, io } = await loadAgainst(server, '--duplicates', '1');
    expect(exitCode).toBe(0);
    expect(io.out).toContain('sent              400  and 0 retries, 400 sent again on purpose');
    expect(io.out).toContain('Balance sheet, series by series: EXACT');
    expect(io.out).toContain('✓ sent = accepted + rejected + unknown: 400 + 0 + 0 = 400');
    expect(io.out).toContain(`  usage        ${usageOf(server)} in 400 pulses`);
    expect(io.out).not.toContain('✗');
    expect(io.err).toBe('');
  });

  test('with cut connections, doubts and refusals on the way still balances', async () => {
    const fates: readonly CallFate[] = [
      ...(['take', 'drop', 'take_and_drop', 'doubt', 'take_and_doubt'] as const),
      ...(['overloaded', 'nonsense'] as const),
    ];
    let firstTries = 0;
    await using server = await new FakePulseServer(({ isAgain }) => {
      if (isAgain) return 'take';
      firstTries += 1;
      return fates[firstTries % fates.length] ?? 'take';
    }).start();
    const { exitCode, report } = await reportOf(server);
    expect(exitCode).toBe(0);
    expect(report).toMatchObject({ exact: true, accepted: PULSES, unknown: 0 });
    expect(report.tries).toBe(PULSES + 12 * 30);
    expect(report.connectionFailures.malformed_answer).toBe(2);
    expect(report.connectionFailures.lost).toBe(4);
  });

  test('that rejects some pulses is charged with the others alone', async () => {
    await using server = await new FakePulseServer(({ isAgain }) =>
      isAgain ? 'take' : 'reject_first',
    ).start();
    const { exitCode, report } = await reportOf(server);
    expect(exitCode).toBe(0);
    expect(report).toMatchObject({
      ...{ accepted: 386, rejected: 14, rejectedByCode: { too_old: 14 }, exact: true },
    });
  });

  test('without retries balances by asking what became of the unknown pulses', async () => {
    await using server = await new FakePulseServer(({ number, isAgain }) => {
      if (isAgain) return 'take';
      return number % 3 === 0 ? 'take_and_doubt' : number % 3 === 1 ? 'drop' : 'take';
    }).start();
    const { exitCode, report } = await reportOf(server, '--no-retry', '--duplicates', '0');
    expect(exitCode).toBe(0);
    expect(report).toMatchObject({ accepted: 120, unknown: 280, retryForMs: 0, exact: true });
    expect(report.balance).toMatchObject({
      countedUnknown: 150,
      usage: { count: 270, sum: usageOf(server) },
    });
    const { io } = await loadAgainst(server, '--no-retry');
    expect(io.out).toContain('of them counted');
  });

  test('may be away while it is asked what became of the unknown pulses', async () => {
    await using server = await new FakePulseServer(() => 'take_and_doubt').start();
    const load = reportOf(server, '--no-retry');
    await waitUntil('pulses are asked for', () => server.pulsesAsked > 10);
    server.awayFor = 3;
    const { exitCode, report } = await load;
    expect([exitCode, server.awayFor]).toEqual([0, 0]);
    expect(report.balance).toMatchObject({ countedUnknown: PULSES, usage: { count: PULSES } });
  });

  test('that has no room gets the batch again, and rejects it only once retrying is over', async () => {
    await using server = await new FakePulseServer(({ number }) =>
      number % 7 === 3 ? 'overloaded' : 'take',
    ).start();
    const { exitCode, report } = await reportOf(server, '--no-retry', '--duplicates', '0');
    expect(exitCode).toBe(0);
    expect(report).toMatchObject({ rejectedByCode: { overloaded: 60 }, unknown: 0, exact: true });
    await using full = await new FakePulseServer(() => 'overloaded').start();
    const late = await reportOf(full, '--retry-for', '1s', '--timeout', '30s');
    expect(late.exitCode).toBe(0);
    expect(late.report).toMatchObject({ rejectedByCode: { overloaded: PULSES }, exact: true });
    expect(late.report.tries).toBeGreaterThan(PULSES);
  });

  test('that refuses the caller is not asked again', async () => {
    await using server = await new FakePulseServer(() => 'forbidden').start();
    const { report } = await reportOf(server);
    expect(report).toMatchObject({ tries: PULSES, rejectedByCode: { forbidden: PULSES } });
  });

  test('that hangs is given up in time, and its pulses are unknown', async () => {
    await using server = await new FakePulseServer(() => 'hang').start();
    const { exitCode, report } = await reportOf(server, '--no-retry', '--timeout', '50ms');
    expect(exitCode).toBe(0);
    expect(report).toMatchObject({ unknown: PULSES, exact: true });
    expect(report.connectionFailures.timeout).toBe(14);
  });

  test('is given time for its usage to catch up', async () => {
    await using server = await new FakePulseServer().start();
    server.behindFor = 4;
    server.awayFor = 0;
    const { exitCode, report } = await reportOf(server);
    expect([exitCode, report.exact, server.behindFor]).toEqual([0, true, 0]);
  });

  test('may have usage of before, and be away for a moment', async () => {
    await using server = await new FakePulseServer().start();
    const again = ['--prefix', 'same'];
    expect((await loadAgainst(server, ...again)).exitCode).toBe(0);
    const earlier = server.calls.length;
    const io = recordingIo();
    const load = runLoad(
      ['pulses', '--url', server.url, '--token', server.token, ...SHORT, ...again, '--json'],
      io,
    );
    await waitUntil('the second run sends', () => server.calls.length > earlier + 3);
    server.awayFor = 2;
    expect(await load).toBe(0);
    expect(JSON.parse(io.out)).toMatchObject({ balance: { usage: { count: PULSES } } });
    expect(server.awayFor).toBe(0);
  });

  test('is asked with a tenant’s key, which names no tenant', async () => {
    await using server = await new FakePulseServer().start();
    const io = recordingIo();
    const argv = ['pulses', '--url', server.url, '--api-key', server.apiKey, ...SHORT, '--json'];
    expect(await runLoad(argv, io)).toBe(0);
    expect(JSON.parse(io.out)).toMatchObject({ exact: true, balance: { series: 2 } });
    const tenants = server.calls.flatMap((call) => call.pulses.map(({ tenant }) => tenant));
    expect(new Set(tenants)).toEqual(new Set(['']));
  });
});

describe('a dishonest server', () => {
  for (const fate of ['lose_one', 'twice', 'round'] as const) {
    test(`is found out by one pulse, with exit code 1 and the series: ${fate}`, async () => {
      await using server = await new FakePulseServer(({ number }) =>
        number === 5 ? fate : 'take',
      ).start();
      const { exitCode, report } = await reportOf(server, '--settle', '300ms', '--duplicates', '0');
      expect(exitCode).toBe(1);
      expect(report).toMatchObject({ accepted: PULSES, exact: false });
      const [violation] = report.balance.violations;
      expect(violation).toMatchObject({ kind: 'usage_differs', count: 1 });
      const { tenant, productSku } = server.calls[5]?.pulses[0] ?? {};
      expect(violation.first[0]).toStartWith(`${tenant} ${productSku} (`);
    });
  }

  test('is found out where it rejects what it has accepted', async () => {
    await using server = await new FakePulseServer(({ isAgain }) =>
      isAgain ? 'reject_first' : 'take',
    ).start();
    const { exitCode, io } = await loadAgainst(server, '--duplicates', '1');
    expect(exitCode).toBe(1);
    expect(io.out).toContain('✗ no accepted pulse rejected when sent again');
    expect(io.out).toContain('  duplicate_rejected: 1\n    14 pulses');
  });

  test('that never catches up is not balanced, and the run is told all the same', async () => {
    await using server = await new FakePulseServer().start();
    server.behindFor = Number.POSITIVE_INFINITY;
    const { exitCode, io } = await loadAgainst(server, '--settle', '300ms');
    expect(exitCode).toBe(1);
    expect(io.err).toContain(
      'not_balanced: Usage has not caught up with what was sent within 0 s.',
    );
    expect(io.out).toContain('accepted          400');
    expect(io.out).toContain('Balance sheet: not drawn');
  });

  test('whose usage can not be read is no metering server', async () => {
    for (const [says, words] of [
      [{}, 'has no as_of'],
      [{ as_of: '2026-11-21T00:00:00Z' }, 'has no list "data"'],
      [
        { as_of: '2026-11-21T00:00:00Z', data: [{ unit: 'GB', value: 1e21, count: 1 }] },
        'has the amount 1e+21',
      ],
    ] as const) {
      await using server = await new FakePulseServer().start();
      server.usageSays = says;
      const { exitCode, io } = await loadAgainst(server);
      expect(exitCode).toBe(1);
      expect(io.err).toContain(words);
    }
  });
});

describe('the command', () => {
  test('without a token fails before the first pulse and says what to do', async () => {
    await using server = await new FakePulseServer().start();
    const io = recordingIo({ env: { APURA_DATA: '/nonexistent' } });
    expect(await runLoad(['pulses', '--url', server.url, ...SHORT], io)).toBe(1);
    expect(io.err).toContain('unauthorized');
    expect(io.err).toContain('--api-key');
    expect(server.calls).toEqual([]);
  });

  test('finds doors and books at the ports of the environment', async () => {
    await using server = await new FakePulseServer().start();
    const { port } = new URL(server.url);
    const env = { APURA_HTTP_PORT: port, APURA_ADMIN_TOKEN: server.token };
    expect(await runLoad(['pulses', ...SHORT], recordingIo({ env }))).toBe(0);
    const io = recordingIo({ env: { ...env, APURA_ADMIN_PORT: '1' } });
    expect(await runLoad(['pulses', ...SHORT], io)).toBe(1);
    expect(io.err).toContain('No Apura server answers at http://127.0.0.1:1');
    expect(await runLoad(['pulses', ...SHORT, '--admin-url', server.url], io)).toBe(0);
  });

  test('with --no-check draws no sheet and says so', async () => {
    await using server = await new FakePulseServer().start();
    const { exitCode, io } = await loadAgainst(server, '--no-check');
    expect(exitCode).toBe(0);
    expect(io.out).toContain('Balance sheet: not drawn');
    const { report } = await reportOf(server, '--no-check');
    expect(report).toMatchObject({ balance: null, exact: null });
  });

  test('refuses what it can not do', async () => {
    for (const [argv, words] of [
      [['--rate', '10000000', '--duration', '1h'], 'more than a run keeps'],
      [['--tenants', '1000', '--skus', '1000'], 'is over 10000 series'],
      [['--prefix', 'a b'], '--prefix holds'],
      [['--prefix', 'a'.repeat(41)], '--prefix is longer'],
      [['--batch', '1001'], '--batch must lie between'],
    ] as const) {
      const io = recordingIo();
      expect(await runLoad(['pulses', ...argv], io)).toBe(2);
      expect(io.err).toContain(words);
    }
  });

  test('shows its progress on a terminal and cleans up behind itself', async () => {
    await using server = await new FakePulseServer().start();
    server.behindFor = 40;
    const io = recordingIo({ isTTY: true });
    const argv = ['pulses', '--url', server.url, '--token', server.token, '--rate', '200'];
    expect(await runLoad([...argv, '--duration', '600ms', '--batch', '1'], io)).toBe(0);
    expect(io.err).toContain('█');
    expect(io.err).toContain('unknown 0');
    expect(io.err).toContain('waiting for usage to catch up');
    expect(io.err.endsWith('\r\x1b[K')).toBe(true);
  });

  test('that is stopped half way draws the sheet of what it sent', async () => {
    await using server = await new FakePulseServer().start();
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 300);
    const io = recordingIo({ signal: stop.signal });
    const argv = ['pulses', '--url', server.url, '--token', server.token, '--rate', '2000'];
    expect(await runLoad([...argv, '--duration', '60s', '--json', '--batch', '10'], io)).toBe(0);
    const report = JSON.parse(io.out);
    expect(report.sent).toBeGreaterThan(0);
    expect(report).toMatchObject({ sent: report.accepted, exact: true });
    expect(report.unsent).toBe(120_000 - report.sent);
  });

  test('ends when the server is gone for good, with every pulse unknown or unsent', async () => {
    const server = await new FakePulseServer().start();
    const gone = server.url;
    const io = recordingIo();
    const argv = [
      'pulses',
      '--url',
      gone,
      '--token',
      server.token,
      ...SHORT,
      '--json',
      '--no-check',
    ];
    const load = runLoad([...argv, '--retry-for', '300ms', '--timeout', '50ms'], io);
    await waitUntil('the run sends', () => server.calls.length > 0);
    await server[Symbol.asyncDispose]();
    expect(await load).toBe(0);
    const report = JSON.parse(io.out);
    expect(report.unknown).toBeGreaterThan(0);
    expect(report.sent + report.unsent).toBe(PULSES);
    expect(report.connectionFailures.refused).toBeGreaterThan(0);
  });
});
