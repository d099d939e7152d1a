import { beforeEach, describe, expect, test } from 'bun:test';
import { MeteringWorks, pulse } from '../../../test/support/metering-works.ts';
import { contract, priceOf } from '../../../test/support/rating-room.ts';
import { pulseConsumer } from '../../compose/metering/jobs.ts';
import { encodePulse } from '../../domain/metering/pulse-codec.ts';
import { USAGE_WINDOW_MS } from '../../domain/metering/usage.ts';
import { havePulsesRebuilt, rebuildPulses } from './rebuild-pulses.ts';
import { retractUsage } from './retract-usage.ts';

const NOON = Date.UTC(2026, 2, 5, 12);
const ALWAYS = { tenant: null, sku: null, unit: null, from: 0, to: NOON + 96 * USAGE_WINDOW_MS };
const NEVER = new AbortController().signal;

let works: MeteringWorks;

beforeEach(async () => {
  works = new MeteringWorks('2026-03-05T13:00');
  await works.put('contract', contract('c-1', { prices: [priceOf('disk', '2')] }));
  await works.send(pulse('a', '1'), pulse('a', '1'), pulse('b', '2', { tenant: 'beta' }));
  await works.append([encodePulse(pulse('c', '4')), Uint8Array.of(0xff)], 1);
  await works.consume();
});

const usage = (store: MeteringWorks['ledger'] | MeteringWorks['book'] = works.ledger) =>
  store.usage(ALWAYS, [0, NOON, NOON + USAGE_WINDOW_MS, ALWAYS.to], 99);
const letters = () =>
  works.letters.list({ queue: null, state: null, tenant: null, code: null }, null, 9);
/** All that an operator sees of the ledger. */
const seen = async () => ({
  usage: await usage(),
  books: [await works.ledger.books(0), await works.ledger.books(1)],
  letters: await letters(),
});

const partsOf = () => {
  const { pulseLog: log, ledger, book, clock } = works;
  return { log, ledger, book, consumer: (at: number) => pulseConsumer({ log, ledger, clock }, at) };
};

describe('a rebuild of the pulse ledger', () => {
  test('gives what was there before, decided letters too, and reports how far it is', async () => {
    const [letter] = (await letters()).letters;
    const by = { actor: 'ana', at: 1 };
    await works.letters.resolve(letter?.id ?? '', ['PENDING'], 'DISCARDED', by);
    const before = await seen();
    const progress: (readonly number[])[] = [];
    await rebuildPulses({ ...partsOf(), onProgress: (...at) => progress.push(at) });
    expect(await seen()).toEqual(before);
    expect(before.letters.letters).toMatchObject([{ state: 'DISCARDED', attempts: 1 }]);
    expect(progress).toEqual([
      [0, expect.any(Number), 1],
      [1, expect.any(Number), 1],
    ]);
  });

  test('lets rating take its usage: versions rise, nothing is pending, charges are the same', async () => {
    const before = await works.told();
    await rebuildPulses({ ...partsOf(), onProgress: () => {} });
    expect(await works.ledger.pendingUsage(0, 9)).toEqual([]);
    expect((await works.book.due(9)).map(({ tenant }) => tenant).sort()).toEqual(['acme', 'beta']);
    await works.rate();
    expect(await works.told()).toEqual(before);
    expect(await usage(works.book)).toEqual(await usage());
  });

  test('takes back what rating was told and no pulse stands behind', async () => {
    // As a hand at the wrong place would have made the ledger say.
    await works.use('bogus', '2026-03-05T12:00', '5');
    await works.use('disk', '2026-03-05T12:15', '5', 1, 'ghost');
    await works.rate();
    expect(await usage(works.book)).not.toEqual(await usage());
    await rebuildPulses({ ...partsOf(), onProgress: () => {} });
    expect(await usage(works.book)).toEqual(await usage());
    await works.rate();
    expect(await works.unpriced()).toEqual([]);
  });

  test('of a ledger that agrees takes nothing back', async () => {
    expect(await retractUsage(works, [1, 1])).toBe(0);
  });
});

describe('a rebuild beside workers', () => {
  const waiting = { onProgress: () => {}, stillMsMax: 1_000 };

  test('empties, and waits until they have filled it and rating has taken it up', async () => {
    await works.use('bogus', '2026-03-05T12:00', '5');
    const before = await seen();
    let looks = 0;
    const done = await havePulsesRebuilt({
      ...{ ...waiting, ...partsOf() },
      // A worker that took over meanwhile takes it all in, a look at a time.
      sleep: async () => {
        for (const partition of [0, 1]) {
          const consumer = pulseConsumer({ ...partsOf(), clock: works.clock }, partition);
          await consumer.drain(1, NEVER, () => {});
        }
        if (looks > 0) await works.consume();
      },
      isSettled: async () => {
        looks += 1;
        return (await works.ledger.pendingUsage(0, 1)).length === 0;
      },
    });
    expect(done).toBe(true);
    expect(looks).toBeGreaterThan(1);
    expect(await seen()).toEqual(before);
    expect(await usage(works.book)).toEqual(await usage());
  });

  test('says so where rating does not take it up', async () => {
    const sleep = async (): Promise<void> => {
      await works.consume();
      for (const partition of [0, 1]) {
        const consumer = pulseConsumer({ ...partsOf(), clock: works.clock }, partition);
        await consumer.drain(1, NEVER, () => {});
      }
    };
    const deps = { ...waiting, ...partsOf(), sleep, isSettled: async () => false };
    expect(await havePulsesRebuilt(deps)).toBe(false);
  });

  test('names the role that is missing', async () => {
    const deps = { ...waiting, ...partsOf(), sleep: async () => {}, isSettled: async () => true };
    await expect(havePulsesRebuilt(deps)).rejects.toMatchObject({
      code: 'not_ready',
      message: expect.stringContaining('apura aggregate'),
    });
  });
});
