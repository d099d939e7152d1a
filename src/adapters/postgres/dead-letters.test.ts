import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { type PostgresHarness, postgresHarness } from '../../../test/support/postgres-harness.ts';
import { NOON, pulseStep, report } from '../../../test/support/pulse-samples.ts';
import { usageStep } from '../../../test/support/rating-samples.ts';
import { deadLettersContract } from '../../ports/dead-letters.contract.ts';
import { LOG_ID } from '../../ports/store-under-test.ts';
import { openPostgresPulseLedger } from './pulse-ledger.ts';
import { openPostgresRatingBook } from './rating-book.ts';

const START_TIMEOUT_MS = 120_000;
let postgres: PostgresHarness;

beforeAll(async () => {
  postgres = await postgresHarness();
}, START_TIMEOUT_MS);

afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});

// Reported by the steps of the rating book; the suite of the pulse ledger runs this one with its own.
deadLettersContract('Postgres', async () => {
  const store = postgres.create(openPostgresRatingBook);
  return {
    async open(logId) {
      const book = await store.open(logId);
      return {
        deadLetters: book.deadLetters,
        async report(deadLetters) {
          const { epoch, checkpoint } = await book.takeOver(0);
          const from = checkpoint.nextOffset;
          await book.commit(usageStep({ epoch, from, deadLetters }));
        },
        [Symbol.asyncDispose]: () => book[Symbol.asyncDispose](),
      };
    },
    crash: () => store.crash(),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
});

describe('the dead letters on Postgres', () => {
  test('of many decisions about a letter that fails again meanwhile one holds at a time', async () => {
    const url = postgres.newUrl();
    await using first = await openPostgresPulseLedger({ url, logId: LOG_ID });
    await using second = await openPostgresPulseLedger({ url, logId: LOG_ID });
    const letter = report('x', { code: 'rating_unavailable' });
    const { epoch } = await first.takeOver(0);
    let failures = 0;
    const failing = async (): Promise<void> => {
      // For as long as nobody has decided, too: a busy machine may leave those who do behind.
      for (let from = 0; from < 30 || requeued === 0; from += 1) {
        const origin = { ...letter.origin, offset: from };
        const deadLetters = [{ ...letter, origin, failedAt: NOON + from }];
        await first.commit(pulseStep([], { epoch, from, deadLetters }));
        failures += 1;
      }
    };
    let requeued = 0;
    let isOver = false;
    const deciding = async (): Promise<void> => {
      while (!isOver) {
        const by = { actor: 'ana', at: NOON };
        const done = await second.deadLetters.resolve(letter.id, ['PENDING'], 'REQUEUED', by);
        if (done === 'resolved') requeued += 1;
      }
    };
    const decisions = [deciding(), deciding()];
    await failing();
    isOver = true;
    await Promise.all(decisions);
    expect(requeued).toBeLessThanOrEqual(failures);
    expect(await first.deadLetters.get(letter.id)).toMatchObject({ attempts: failures });
  });

  test.each([`state = 'LOST'`, `queue = 'other'`, 'log_id = NULL'])(
    'are called corrupt where they hold what is never written: %s',
    async (change) => {
      const url = postgres.newUrl();
      const schema = new URL(url).searchParams.get('schema');
      await using ledger = await openPostgresPulseLedger({ url, logId: LOG_ID });
      const { epoch } = await ledger.takeOver(0);
      const letter = report('x');
      await ledger.commit(pulseStep([], { epoch, deadLetters: [letter] }));
      await postgres.execute(`
        ALTER TABLE ${schema}.dead_letter ALTER log_id DROP NOT NULL;
        UPDATE ${schema}.dead_letter SET ${change}`);
      const corrupt = { code: 'store_corrupt' };
      await expect(ledger.deadLetters.get(letter.id)).rejects.toMatchObject(corrupt);
    },
  );
});
