/** What ledgers do while their server is away, and after it: on a server of its own, to be killed. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { event, eventId, ledgerStep } from '../../../test/support/ledger-samples.ts';
import { type PostgresHarness, postgresHarness } from '../../../test/support/postgres-harness.ts';
import { logged, NOON, pulseStep } from '../../../test/support/pulse-samples.ts';
import { contentOf } from '../../../test/support/store-step-samples.ts';
import { waitUntil } from '../../../test/support/wait-until.ts';
import type { Ledger, LedgerStep } from '../../ports/ledger.ts';
import { LOG_ID } from '../../ports/store-under-test.ts';
import { openPostgresLedger } from './ledger.ts';
import { openPostgresPulseLedger } from './pulse-ledger.ts';

const START_TIMEOUT_MS = 120_000;
const CRASH_TIMEOUT_MS = 240_000;
const REQUEST_TIMEOUT_MS = 20_000;
/** Of requests that are to run into it. */
const SHORT_TIMEOUT_MS = 5_000;
/** What such a request may take, and much more for a machine that is busy: without a bound it never ends. */
const BOUND_MS = 40_000;
let postgres: PostgresHarness;

beforeAll(async () => {
  postgres = await postgresHarness();
}, START_TIMEOUT_MS);

afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});

describe('the ledger on Postgres', () => {
  let url: string;
  let schema: string;
  const unavailable = { code: 'store_unavailable' };

  beforeEach(() => {
    url = postgres.newUrl();
    schema = new URL(url).searchParams.get('schema') ?? '';
  });

  const open = (requestTimeoutMs = REQUEST_TIMEOUT_MS) =>
    openPostgresLedger({ url, logId: LOG_ID, requestTimeoutMs });

  /** A step of `size` votes that no other step has. */
  const stepOf = (epoch: number, from: number, size = 3): LedgerStep =>
    ledgerStep(
      Array.from({ length: size }, (_, n) =>
        event({ id: eventId(from, from * size + n), offset: from }),
      ),
      { epoch, from },
    );

  /** Rows, windows and position tell of the same whole steps. */
  async function expectWholeSteps(ledger: Ledger, steps: number, size = 3): Promise<void> {
    const read = contentOf(await ledger.read(0));
    expect(contentOf(await ledger.recount(0))).toEqual(read);
    expect(read.checkpoint.nextOffset).toBe(steps);
    expect(read.books[0]?.counted ?? 0).toBe(steps * size);
  }

  describe('a server that is killed', () => {
    test(
      'between steps keeps them all, and the same handle goes on',
      async () => {
        await using ledger = await open();
        const { epoch } = await ledger.takeOver(0);
        for (const from of [0, 1]) {
          expect(await ledger.commit(stepOf(epoch, from))).toBe('applied');
        }
        await postgres.server.crash();
        await waitUntil('the server is back', () => ledger.find(eventId(0, 0)));
        await expectWholeSteps(ledger, 2);
        expect(await ledger.commit(stepOf(epoch, 1))).toBe('already-applied');
        expect(await ledger.commit(stepOf(epoch, 2))).toBe('applied');
        await expectWholeSteps(ledger, 3);
      },
      CRASH_TIMEOUT_MS,
    );

    test(
      'during commits holds whole steps: those that were answered, and perhaps the next',
      async () => {
        await using ledger = await open();
        let next = 0;
        for (const way of ['server', 'backend', 'server'] as const) {
          const { epoch, checkpoint } = await ledger.takeOver(0);
          next = checkpoint.nextOffset;
          const start = next;
          const committing = (async () => {
            for (;;) {
              expect(await ledger.commit(stepOf(epoch, next, 500))).toBe('applied');
              next += 1;
            }
          })();
          committing.catch(() => {});
          await waitUntil('steps are committed', () => next > start + 3);
          await (way === 'server' ? postgres.server.crash() : killBackend());
          await expect(committing).rejects.toMatchObject(unavailable);
          await using survivor = await waitUntil('the server is back', () => open());
          const { nextOffset } = (await survivor.read(0)).checkpoint;
          expect([next, next + 1]).toContain(nextOffset);
          await expectWholeSteps(survivor, nextOffset, 500);
          await waitUntil('the handle goes on', () => ledger.read(0));
        }
      },
      CRASH_TIMEOUT_MS,
    );

    /** kill -9 of one of its processes: the server then ends all others and recovers. */
    async function killBackend(): Promise<void> {
      const rows = await postgres.execute(
        `SELECT pid FROM pg_stat_activity WHERE application_name = '${schema}'`,
      );
      process.kill(Number(rows[0]?.pid), 'SIGKILL');
    }
  });

  describe('a server that is stopped', () => {
    test(
      'ends every wait in time; the same handle goes on with the very step when it is back',
      async () => {
        await using ledger = await open();
        const { epoch } = await ledger.takeOver(0);
        await ledger.commit(stepOf(epoch, 0));
        await postgres.server.stop();
        try {
          const startedAt = performance.now();
          await expect(open()).rejects.toMatchObject(unavailable);
          for (let attempt = 0; attempt < 5; attempt += 1) {
            await expect(ledger.commit(stepOf(epoch, 1))).rejects.toMatchObject(unavailable);
          }
          await expect(ledger.read(0)).rejects.toMatchObject(unavailable);
          await expect(ledger.recount(0)).rejects.toMatchObject(unavailable);
          await expect(ledger.forget(0)).rejects.toMatchObject(unavailable);
          expect(performance.now() - startedAt).toBeLessThan(BOUND_MS);
        } finally {
          await postgres.server.start();
        }
        expect(await ledger.commit(stepOf(epoch, 1))).toBe('applied');
        await expectWholeSteps(ledger, 2);
      },
      CRASH_TIMEOUT_MS,
    );

    test(
      'and hangs, does not hold a commit longer than a request may take',
      async () => {
        await using ledger = await open(SHORT_TIMEOUT_MS);
        const { epoch } = await ledger.takeOver(0);
        await ledger.commit(stepOf(epoch, 0));
        const rows = await postgres.execute(
          `SELECT pid FROM pg_stat_activity WHERE application_name = '${schema}'`,
        );
        const pids = rows.map(({ pid }) => Number(pid));
        expect(pids.length).toBeGreaterThan(0);
        for (const pid of pids) process.kill(pid, 'SIGSTOP');
        try {
          const startedAt = performance.now();
          const committing = ledger.commit(stepOf(epoch, 1));
          await expect(committing).rejects.toMatchObject(unavailable);
          expect(performance.now() - startedAt).toBeLessThan(BOUND_MS);
        } finally {
          for (const pid of pids) process.kill(pid, 'SIGCONT');
        }
        const outcome = await waitUntil('a step is answered', () =>
          ledger.commit(stepOf(epoch, 1)),
        );
        expect(['applied', 'already-applied']).toContain(outcome);
        await expectWholeSteps(ledger, 2);
      },
      CRASH_TIMEOUT_MS,
    );
  });
});

describe('the pulse ledger on Postgres', () => {
  test(
    'holds whole steps of a server that is killed during commits: those that were answered, and perhaps the next',
    async () => {
      const size = 300;
      const options = {
        url: postgres.newUrl(),
        logId: LOG_ID,
        requestTimeoutMs: REQUEST_TIMEOUT_MS,
      };
      await using ledger = await openPostgresPulseLedger(options);
      const stepOf = (epoch: number, from: number) =>
        pulseStep(
          // The first pulse of each step repeats one of the step before: it takes the slow way, too.
          Array.from({ length: size }, (_, n) => logged({ id: `p-${from * (size - 1) + n}` })),
          { epoch, from },
        );
      for (let life = 0; life < 2; life += 1) {
        const { epoch, checkpoint } = await ledger.takeOver(0);
        let next = checkpoint.nextOffset;
        const start = next;
        const committing = (async () => {
          for (;;) {
            expect((await ledger.commit(stepOf(epoch, next))).outcome).toBe('applied');
            next += 1;
          }
        })();
        committing.catch(() => {});
        await waitUntil('steps are committed', () => next > start + 3);
        await postgres.server.crash();
        await expect(committing).rejects.toMatchObject({ code: 'store_unavailable' });
        await using survivor = await waitUntil('the server is back', () =>
          openPostgresPulseLedger(options),
        );
        const { nextOffset } = await survivor.checkpoint(0);
        expect([next, next + 1]).toContain(nextOffset);
        const counted = nextOffset * (size - 1) + 1;
        expect(await survivor.books(0)).toMatchObject({ counted, duplicates: nextOffset - 1 });
        const ever = { tenant: null, sku: null, unit: null, from: 0, to: NOON * 2 };
        const [usage] = await survivor.usage(ever, [0, NOON * 2], 1);
        expect(usage?.count).toBe(counted);
        expect(await survivor.recompute(0, 0, NOON * 2)).toEqual([]);
        await waitUntil('the handle goes on', () => ledger.books(0));
      }
    },
    CRASH_TIMEOUT_MS,
  );
});
