/** The generator keeps its schedule, survives its server, and never calls a doubtful vote settled. */
import { describe, expect, test } from 'bun:test';
import {
  FakePollServer,
  type TryFate,
  type VoteTry,
} from '../../../../test/support/fake-poll-server.ts';
import { type GeneratorSettings, LoadGenerator } from './load-generator.ts';
import { LoadSchedule } from './load-schedule.ts';
import { OptionPicker } from './option-picker.ts';
import { RunRecord } from './run-record.ts';
import { VoteIds } from './vote-ids.ts';
import { VoteJournal } from './vote-journal.ts';
import { VoteRequests } from './vote-requests.ts';

const OPTIONS = ['ana', 'bia', 'caio'];

interface Run {
  readonly journal: VoteJournal;
  readonly record: RunRecord;
  readonly ids: VoteIds;
}

interface RunSettings extends Partial<GeneratorSettings> {
  readonly ratePerSecond?: number;
  readonly durationMs?: number;
  readonly signal?: AbortSignal;
  readonly options?: readonly string[];
  /** Called when the schedule begins. */
  readonly meanwhile?: (run: Run) => void;
}

async function runAgainst(server: FakePollServer, given: RunSettings = {}): Promise<Run> {
  const { hostname, port, host } = new URL(server.url);
  const monotonic = () => performance.now();
  const ratePerSecond = given.ratePerSecond ?? 1_000;
  const options = given.options ?? OPTIONS;
  const durationMs = given.durationMs ?? 100;
  const ids = new VoteIds('demo', { x: 11, z: 12 });
  const baseTime = Date.now();
  const { total } = new LoadSchedule({ startAt: 0, ratePerSecond, durationMs });
  const journal = new VoteJournal(total, baseTime);
  const record = new RunRecord();
  const generator = new LoadGenerator(
    {
      hostname,
      port: Number(port),
      connections: 4,
      pipeline: 1,
      timeoutMs: 2_000,
      retryForMs: 5_000,
      serverOffsetMs: baseTime - monotonic(),
      spin: false,
      monotonic,
      random: () => 0,
      ...given,
    },
    {
      journal,
      record,
      ids,
      requests: new VoteRequests({ host, poll: 'demo', options }, ids),
      picker: new OptionPicker(options.length, 1, 1),
    },
  );
  const run = { journal, record, ids };
  try {
    await generator.connect(2_000);
    const schedule = new LoadSchedule({ startAt: monotonic(), ratePerSecond, durationMs });
    given.meanwhile?.(run);
    await generator.run(schedule, given.signal ?? new AbortController().signal);
  } finally {
    generator.close();
  }
  return run;
}

async function serverThat(fateOf?: (given: VoteTry) => TryFate): Promise<FakePollServer> {
  return new FakePollServer(fateOf).start();
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** Keys that the server counted, sorted. */
const counted = (server: FakePollServer) => server.rows.map(({ id }) => id).sort();

/** Keys of the votes in one of these states, sorted. */
function keysIn({ journal, ids }: Run, ...states: string[]): string[] {
  return Array.from({ length: journal.total }, (_, vote) => vote)
    .filter((vote) => states.includes(journal.stateOf(vote)))
    .map((vote) => ids.uuid(vote, journal.idTimeOf(vote)))
    .sort();
}

describe('against an honest server', () => {
  for (const [name, settings] of [
    ['one request at a time', {}],
    ['pipelining', { pipeline: 8, connections: 2 }],
    ['more votes than connections', { connections: 1, ratePerSecond: 2_000 }],
    ['spinning', { spin: true }],
  ] as const) {
    test(`every vote is accepted and counted under its own key: ${name}`, async () => {
      await using server = await serverThat();
      const run = await runAgainst(server, settings);
      const { sent, accepted, unknown, rejected } = run.journal.totals();
      expect([sent, accepted, unknown, rejected]).toEqual([run.journal.total, sent, 0, 0]);
      expect(counted(server)).toEqual(keysIn(run, 'accepted'));
      expect(run.record.latency.count).toBe(accepted);
      expect(run.record.acceptedPerSecond.reduce((sum, n) => sum + n, 0)).toBe(accepted);
      expect(server.tries.length).toBe(sent);
    });
  }

  test('each counted option is the one that the journal names', async () => {
    await using server = await serverThat();
    const { journal, ids } = await runAgainst(server);
    const optionOf = new Map(server.rows.map(({ id, option }) => [id, option]));
    for (let vote = 0; vote < journal.total; vote += 1) {
      const key = ids.uuid(vote, journal.idTimeOf(vote));
      expect(optionOf.get(key)).toBe(OPTIONS[journal.optionOf(vote)] ?? '');
    }
  });

  test('requests that the kernel takes only in parts arrive whole', async () => {
    await using server = await serverThat();
    const run = await runAgainst(server, {
      options: ['x'.repeat(60_000)],
      connections: 1,
      pipeline: 200,
      ratePerSecond: 1_000_000,
      durationMs: 1,
    });
    expect(run.journal.totals()).toMatchObject({ accepted: 1_000, unknown: 0 });
    expect(new Set(server.rows.map(({ option }) => option.length))).toEqual(new Set([60_000]));
    expect(run.record.failures).toEqual({});
  });

  test('a connection that the server closes politely is opened again', async () => {
    await using server = await serverThat(({ number }) =>
      number % 5 === 4 ? 'close_after' : 'accept',
    );
    const run = await runAgainst(server);
    expect(run.journal.totals().accepted).toBe(run.journal.total);
    expect(run.record.failures.lost).toBeGreaterThan(0);
    expect(run.record.retries).toBe(0);
  });
});

describe('the open loop', () => {
  test('votes fall due while every connection is busy, and their latency tells', async () => {
    // The first vote is never answered: with one connection all others wait for its timeout.
    await using server = await serverThat(({ number }) => (number === 0 ? 'hang' : 'accept'));
    const run = await runAgainst(server, { connections: 1, timeoutMs: 300, retryForMs: 0 });
    const { total } = run.journal;
    expect(run.journal.totals()).toMatchObject({ accepted: total - 1, unknown: 1 });
    expect(run.record.waited).toBe(total - 1);
    expect(run.record.backlogMax).toBe(total - 1);
    expect(run.record.latency.percentile(0)).toBeGreaterThan(150);
    expect(run.record.service.percentile(50)).toBeLessThan(100);
  });

  test('a generator that stalls for longer than its patience does not take that for the server’s silence', async () => {
    await using server = await serverThat(({ number }) => (number === 0 ? 'hang' : 'accept'));
    let stalledMs = 0;
    const run = await runAgainst(server, {
      connections: 1,
      timeoutMs: 300,
      retryForMs: 0,
      monotonic: () => performance.now() + stalledMs,
      meanwhile: async ({ journal }) => {
        await until(() => journal.totals().sent === 1);
        stalledMs = 5_000;
      },
    });
    expect(run.journal.totals()).toMatchObject({ accepted: run.journal.total - 1, unsent: 0 });
  });

  test('a generator that stalls owns up to the votes that fell due meanwhile', async () => {
    await using server = await serverThat();
    const run = await runAgainst(server, {
      durationMs: 200,
      meanwhile: () => {
        setTimeout(() => {
          const until = performance.now() + 100;
          while (performance.now() < until);
        }, 50);
      },
    });
    expect(run.record.gaps.max).toBeGreaterThan(99);
    expect(run.record.late).toBeGreaterThan(90);
    expect(run.record.late).toBeLessThan(run.journal.total);
    expect(run.record.latency.max).toBeGreaterThan(99);
  });
});

describe('a vote of unknown outcome', () => {
  const doubtful: readonly TryFate[] = [
    'drop',
    'count_and_drop',
    'doubt',
    'count_and_doubt',
    'garbage',
  ];
  for (const fate of doubtful) {
    test(`is sent again with the same key until it is acknowledged, and counts once: ${fate}`, async () => {
      await using server = await serverThat(({ number, earlier }) =>
        number % 7 === 3 && earlier === 0 ? fate : 'accept',
      );
      const run = await runAgainst(server);
      expect(run.journal.totals()).toMatchObject({ accepted: run.journal.total, unknown: 0 });
      expect(run.record.unknown).toBe(0);
      expect(run.record.retries).toBeGreaterThan(0);
      expect(counted(server)).toEqual(keysIn(run, 'accepted'));
      expect(new Set(server.tries).size).toBe(run.journal.total);
    });

    test(`stays unknown without retries: ${fate}`, async () => {
      await using server = await serverThat(({ number }) => (number === 3 ? fate : 'accept'));
      const run = await runAgainst(server, { retryForMs: 0 });
      const { accepted, unknown, sent } = run.journal.totals();
      expect(unknown).toBeGreaterThan(0);
      expect(accepted + unknown).toBe(sent);
      expect(run.record.unknown).toBe(unknown);
      expect(run.record.retries).toBe(0);
    });
  }

  test('is sent again when its answer does not come in time', async () => {
    await using server = await serverThat(({ number }) => (number === 3 ? 'hang' : 'accept'));
    const run = await runAgainst(server, { timeoutMs: 200 });
    expect(run.journal.totals()).toMatchObject({ accepted: run.journal.total, unknown: 0 });
    expect(run.record.failures.timeout).toBe(1);
  });

  test('stays unknown when a later try is refused: the first one may count', async () => {
    await using server = await serverThat(({ earlier }) =>
      earlier === 0 ? 'count_and_drop' : 'closed',
    );
    const run = await runAgainst(server, { ratePerSecond: 100, durationMs: 30 });
    expect(run.journal.totals()).toMatchObject({ accepted: 0, rejected: 0, unknown: 3 });
    expect(server.tries.length).toBe(6);
  });

  test('is tried on while the server is only busy, and given up when retrying is over', async () => {
    await using server = await serverThat(({ earlier }) => (earlier === 0 ? 'drop' : 'overloaded'));
    const run = await runAgainst(server, {
      ratePerSecond: 100,
      durationMs: 10,
      retryForMs: 700,
    });
    expect(run.journal.totals()).toMatchObject({ accepted: 0, rejected: 0, unknown: 1 });
    expect(server.tries.length).toBeGreaterThan(2);
  });
});

describe('a refusal', () => {
  test('of a first try is final, with its code', async () => {
    await using server = await serverThat(({ number }) =>
      number % 2 === 0 ? 'overloaded' : 'closed',
    );
    const run = await runAgainst(server, { connections: 1 });
    const { total } = run.journal;
    expect(run.journal.totals()).toMatchObject({ accepted: 0, rejected: total, unknown: 0 });
    expect(run.journal.totals().rejectedByCode).toEqual({
      overloaded: total / 2,
      poll_closed: total / 2,
    });
    expect(run.record.rejected).toBe(total);
    expect(server.tries.length).toBe(total);
  });
});

describe('an answer', () => {
  test('that carries the id of another vote settles nothing and is named', async () => {
    await using server = await serverThat(({ number }) =>
      number === 2 ? 'answer_other_id' : 'accept',
    );
    const run = await runAgainst(server, { connections: 1, retryForMs: 0 });
    expect(run.record.wrongAnswers).toEqual(keysIn(run, 'unknown'));
    expect(run.record.failures.wrong_answer).toBe(1);
  });
});

describe('a server that dies under the load', () => {
  test('and comes back finds the generator going on, and every vote settles', async () => {
    await using server = await serverThat();
    const run = await runAgainst(server, {
      durationMs: 400,
      meanwhile: async ({ record }) => {
        await until(() => record.accepted >= 100);
        await server.kill();
        await until(() => (record.failures.refused ?? 0) > 0);
        await server.start();
      },
    });
    expect(run.journal.totals()).toMatchObject({
      accepted: run.journal.total,
      unknown: 0,
      unsent: 0,
    });
    expect(counted(server)).toEqual(keysIn(run, 'accepted'));
    expect(run.record.failures.refused).toBeGreaterThan(0);
  });

  test('while a connection is idle costs no vote', async () => {
    await using server = await serverThat();
    const run = await runAgainst(server, {
      ratePerSecond: 20,
      durationMs: 500,
      meanwhile: async ({ record }) => {
        await until(() => record.accepted === 1);
        await server.kill();
        await server.start();
      },
    });
    expect(run.journal.totals()).toMatchObject({ accepted: 10, unknown: 0 });
    expect(counted(server)).toEqual(keysIn(run, 'accepted'));
  });

  test('and stays away ends the run with the rest unsent', async () => {
    await using server = await serverThat();
    const run = await runAgainst(server, {
      durationMs: 300,
      timeoutMs: 200,
      retryForMs: 200,
      meanwhile: async ({ record }) => {
        await until(() => record.accepted >= 50);
        await server.kill();
      },
    });
    const { sent, accepted, unknown, unsent } = run.journal.totals();
    expect(unsent).toBeGreaterThan(0);
    expect(accepted + unknown).toBe(sent);
  });
});

test('a run that is stopped sends no more and waits for the answers under way', async () => {
  await using server = await serverThat();
  const stop = new AbortController();
  const run = await runAgainst(server, {
    durationMs: 5_000,
    signal: stop.signal,
    meanwhile: async ({ record }) => {
      await until(() => record.accepted >= 50);
      stop.abort();
    },
  });
  const { sent, accepted, unknown, unsent } = run.journal.totals();
  expect(unsent).toBeGreaterThan(0);
  expect([accepted, unknown]).toEqual([sent, 0]);
  expect(counted(server)).toEqual(keysIn(run, 'accepted'));
});
