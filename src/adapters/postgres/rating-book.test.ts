import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { lossyProxy } from '../../../test/support/lossy-proxy.ts';
import { type PostgresHarness, postgresHarness } from '../../../test/support/postgres-harness.ts';
import { memoryRatingBook } from '../../../test/support/rating-harness.ts';
import {
  FIRST_WINDOW,
  sampleCharge,
  sampleChargeChange,
  sampleEvent,
  samplePeriod,
  sampleUnpriced,
  usageRecord,
  usageStep,
} from '../../../test/support/rating-samples.ts';
import { ratingBookContract } from '../../ports/rating-book.contract.ts';
import { LOG_ID } from '../../ports/store-under-test.ts';
import { openPostgresRatingBook } from './rating-book.ts';

const START_TIMEOUT_MS = 120_000;
let postgres: PostgresHarness;

beforeAll(async () => {
  postgres = await postgresHarness();
}, START_TIMEOUT_MS);

afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});

ratingBookContract(
  'Postgres',
  async () => postgres.create(openPostgresRatingBook),
  memoryRatingBook,
);

describe('the rating book on Postgres', () => {
  let url: string;
  const open = (address = url) => openPostgresRatingBook({ url: address, logId: LOG_ID });
  const tamper = (sql: string) =>
    postgres.execute(`SET search_path = ${new URL(url).searchParams.get('schema')}; ${sql}`);
  const [from, to] = [0, FIRST_WINDOW * 2];
  const all = { tenant: null, from, to };

  beforeEach(async () => {
    url = postgres.newUrl();
    await using book = await open();
    const period = samplePeriod({ state: 'final', finalAt: 5 });
    await book.accept([usageRecord()]);
    const change = sampleChargeChange({
      periods: [period],
      charges: [sampleCharge(period)],
      unpriced: [sampleUnpriced()],
      unpricedRange: { from: FIRST_WINDOW, to: period.to },
      events: [sampleEvent()],
    });
    expect(await book.putCharges(change)).toBe('stored');
  });

  test('a step whose answer was lost is not taken again', async () => {
    await using proxy = await lossyProxy(postgres.server.url);
    const address = new URL(url);
    address.port = new URL(proxy.url).port;
    await using book = await open(address.href);
    const { epoch } = await book.takeOver(0);
    const step = usageStep({ epoch, records: [usageRecord({ version: 2, sum: 5n })] });
    const lost = proxy.loseReplyTo('commit_usage(');
    await expect(book.commit(step)).rejects.toMatchObject({ code: 'store_unavailable' });
    await lost;
    expect(await book.commit(step)).toBe('already-applied');
  });

  test('records that come at once in any order never lock each other out, and the newest stay', async () => {
    await using first = await open();
    await using second = await open();
    const records = Array.from({ length: 2_000 }, (_, n) =>
      usageRecord({ tenant: `tenant-${n % 400}`, sku: `sku-${n}` }),
    );
    const versions = [4, 2, 3, 1, 5];
    await Promise.all(
      versions.map((version, n) => {
        const newer = records.map((one) => ({ ...one, version, sum: BigInt(version) }));
        return (n % 2 ? first : second).accept(n % 2 ? newer : newer.toReversed());
      }),
    );
    const rows = await first.usage({ ...all, sku: null, unit: null }, [from, to], 9_999);
    const sums = rows.filter(({ series }) => series.tenant !== 'acme').map(({ sum }) => sum);
    expect(sums).toEqual(records.map(() => 5n));
  });

  test('of many changes of one tenant on one revision one is stored', async () => {
    await using first = await open();
    await using second = await open();
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        (n % 2 ? first : second).putCharges(
          sampleChargeChange({
            expectedRevision: 1,
            events: [sampleEvent({ threshold: `t-${n}x` })],
          }),
        ),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === 'stored')).toHaveLength(1);
    expect(await first.events('acme', 20)).toHaveLength(2);
  });

  test.each([
    'DELETE FROM charge',
    `UPDATE charge SET body = 'x'`,
    `INSERT INTO charge SELECT id || '2', tenant, contract, period_from, period_to, sku, unit, starts_at, body FROM charge`,
    `UPDATE period SET state = 'open'`,
    'DELETE FROM period',
  ])('refuses to change what is final: %s', async (sql) => {
    await expect(tamper(sql)).rejects.toThrow(/a final (charge|period) is never/);
  });

  test.each([
    [`UPDATE rated_window SET sum = 'NaN'`, 'usage'],
    [`UPDATE unpriced SET body = replace(body, 'no_price', 'no_prize')`, 'unpriced'],
    [
      'DROP TRIGGER charge_stays_final ON charge; UPDATE charge SET body = replace(body, \'BRL"\', \'BRL","x":1\')',
      'charges',
    ],
    [`DROP TRIGGER period_stays_final ON period; UPDATE period SET state = 'ajar'`, 'periods'],
  ] as const)('notices what something else wrote: %s', async (sql, read) => {
    await tamper(sql);
    await using book = await open();
    const reads = {
      usage: () => book.usage({ ...all, sku: null, unit: null }, [from, to], 999),
      unpriced: () => book.unpriced(all, 9),
      charges: () => book.charges(all, null, 9),
      periods: () => book.periods('acme', from, to),
    };
    await expect(reads[read]()).rejects.toMatchObject({ code: 'store_corrupt' });
  });
});
