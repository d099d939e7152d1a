/** Which terms a rater goes by: those of its start, those that came while none ran, and those that another knows already. */
import { expect, test } from 'bun:test';
import { at, contract, decimal, priceOf, RatingRoom } from '../../../test/support/rating-room.ts';
import { formatDecimal } from '../../domain/counting/decimal.ts';

const NEVER = new AbortController().signal;

async function roomAt(now: string, price: string): Promise<RatingRoom> {
  const room = new RatingRoom(now);
  await room.put('contract', contract('gold', { prices: [priceOf('disk', price)] }));
  return room;
}

test('a contract that changed while no rater ran is found by the next one, in every month', async () => {
  const room = await roomAt('2026-03-10', '2');
  await room.use('disk', '2026-02-02', '5');
  await room.use('disk', '2026-03-02', '5');
  await room.rate();
  await room.put('contract', contract('gold', { prices: [priceOf('disk', '3')] }));
  const view = room.newView();
  await room.rate(room.newRater(view), view);
  expect(await room.told()).toEqual([
    'gold 02-01: disk 5 = 10.00 EUR',
    'gold 03-01: disk for 02-01 0 = 5.00 EUR',
    'gold 03-01: disk 5 = 15.00 EUR',
  ]);
});

test('a month that came and went while no rater ran owes its minimum all the same', async () => {
  const room = new RatingRoom('2026-03-10');
  const prices = [priceOf('disk', '2', { minimum: decimal('3') })];
  await room.put('contract', contract('gold', { validFrom: at('2026-03-01'), prices }));
  await room.rate();
  room.clock.advance(at('2026-05-20') - room.clock.now());
  const view = room.newView();
  await room.rate(room.newRater(view), view);
  expect((await room.periods()).map((period) => period.slice(0, 10))).toEqual([
    'gold 03-01',
    'gold 04-01',
    'gold 05-01',
  ]);
  expect((await room.charges()).map(({ rounded }) => formatDecimal(rounded))).toEqual([
    '3.00',
    '3.00',
    '3.00',
  ]);
});

test('a rater that knows older terms takes no mark away that was made for newer ones', async () => {
  const room = await roomAt('2026-03-10', '2');
  await room.use('disk', '2026-03-02', '5');
  await room.rate();
  await room.put('contract', contract('gold', { prices: [priceOf('disk', '3')] }));
  const newer = room.newView();
  await newer.refresh();
  // It makes its marks, and dies.
  await room.newRater(newer).turn(AbortSignal.abort());
  expect(await room.rater.turn(NEVER)).toMatchObject({ rated: 1 });
  expect(await room.told()).toEqual(['gold 03-01: disk 5 = 15.00 EUR']);
});

test('a rater that knows older terms overwrites nothing that was reckoned by newer ones', async () => {
  const room = await roomAt('2026-03-10', '2');
  await room.use('disk', '2026-03-02', '5');
  await room.rate();
  await room.use('disk', '2026-03-03', '1');
  const newer = room.newView();
  const other = room.newRater(newer);
  let isLate = true;
  // Between its look at what is due and its reckoning the price changes, and another charges by it.
  const overtaken = new Proxy(room.book, {
    get(target, name) {
      if (name === 'revision' && isLate) {
        return async (tenant: string) => {
          isLate = false;
          await room.put('contract', contract('gold', { prices: [priceOf('disk', '3')] }));
          await room.rate(other, newer);
          return target.revision(tenant);
        };
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const late = room.newRater(room.view, overtaken);
  await late.turn(NEVER);
  expect(isLate).toBe(false);
  expect(await room.told()).toEqual(['gold 03-01: disk 6 = 18.00 EUR']);
});
