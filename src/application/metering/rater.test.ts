import { expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  at,
  contract,
  decimal,
  END_OF_TIME,
  listPrice,
  priceOf,
  RatingRoom,
  threshold,
} from '../../../test/support/rating-room.ts';
import { formatDecimal } from '../../domain/counting/decimal.ts';
import { exactSum } from '../../domain/counting/exact-decimal.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { RatingBook } from '../../ports/rating-book.ts';

const NEVER = new AbortController().signal;

async function roomWith(now: string, ...prices: readonly [string, string][]): Promise<RatingRoom> {
  const room = new RatingRoom(now);
  await room.put(
    'contract',
    contract('gold', { prices: prices.map(([sku, price]) => priceOf(sku, price)) }),
  );
  return room;
}

/** All that was ever charged to acme, in EUR. */
async function totalOf(room: RatingRoom): Promise<string> {
  const charges = await room.charges();
  return formatDecimal(exactSum(...charges.map(({ rounded }) => rounded)));
}

test('charges follow usage as it comes, each window replacing what was said of it before', async () => {
  const room = await roomWith('2026-03-10', ['disk', '2']);
  await room.use('disk', '2026-03-02', '5');
  await room.rate();
  expect(await room.told()).toEqual(['gold 03-01: disk 5 = 10.00 EUR']);
  await room.use('disk', '2026-03-02', '7');
  await room.use('disk', '2026-03-09T10:15', '0.5');
  expect(await room.rate()).toMatchObject({ rated: 1, conflicts: 0 });
  expect(await room.told()).toEqual(['gold 03-01: disk 7.5 = 15.00 EUR']);
  expect(await room.rate()).toEqual({ rated: 0, conflicts: 0, failed: 0, finished: 0 });
});

test('nothing is charged anew while the terms have never been read', async () => {
  const room = await roomWith('2026-03-10', ['disk', '2']);
  await room.use('disk', '2026-03-02', '5');
  await room.rate();
  await room.use('disk', '2026-03-02', '6');
  const blind = room.newRater(room.newView());
  expect(await blind.turn(NEVER)).toEqual({ rated: 0, conflicts: 0, failed: 0, finished: 0 });
  expect(await room.told()).toEqual(['gold 03-01: disk 5 = 10.00 EUR']);
  expect(await room.book.due(10)).toHaveLength(1);
});

test('usage that was voided takes its charge away', async () => {
  const room = await roomWith('2026-03-10', ['disk', '2']);
  await room.use('disk', '2026-03-02', '5');
  await room.rate();
  await room.use('disk', '2026-03-02', '0', 0);
  await room.rate();
  expect(await room.told()).toEqual([]);
});

test('a contract change in the middle of a month makes a line of each side, by the time of the usage', async () => {
  const room = await roomWith('2026-03-20', ['disk', '2']);
  await room.use('disk', '2026-03-02', '5');
  await room.use('disk', '2026-03-15', '10');
  await room.rate();
  expect(await room.told()).toEqual(['gold 03-01: disk 15 = 30.00 EUR']);

  await room.put(
    'contract',
    contract('gold', { validTo: at('2026-03-15'), prices: [priceOf('disk', '2')] }),
  );
  await room.rate();
  expect(await room.told()).toEqual(['gold 03-01: disk 5 = 10.00 EUR']);
  expect(await room.unpriced()).toEqual(['disk 10 no_contract']);

  await room.put(
    'contract',
    contract('new', { validFrom: at('2026-03-15'), prices: [priceOf('disk', '3')] }),
  );
  await room.rate();
  expect(await room.told()).toEqual([
    'gold 03-01: disk 5 = 10.00 EUR',
    'new 03-15: disk 10 = 30.00 EUR',
  ]);
  expect(await room.unpriced()).toEqual([]);
  expect((await room.periods()).slice(-2)).toEqual([
    'gold 03-01/03-15 closing',
    'new 03-15/04-01 open',
  ]);
});

test('a list price that changes is charged by itself, in every month that it is open for', async () => {
  const room = await roomWith('2026-03-20');
  await room.put('price', listPrice('list', priceOf('disk', '2')));
  await room.use('disk', '2026-03-02', '5');
  await room.rate();
  expect(await room.told()).toEqual(['gold 03-01: disk 5 = 10.00 EUR']);
  await room.put('price', listPrice('list', priceOf('disk', '4')));
  await room.rate();
  expect(await room.told()).toEqual(['gold 03-01: disk 5 = 20.00 EUR']);
  await room.put('price', listPrice('list', priceOf('disk', '4'), '2026-01-01', '2026-03-01'));
  await room.put('price', listPrice('later', priceOf('disk', '9'), '2027-01-01'));
  await room.rate();
  expect(await room.told()).toEqual([]);
  expect(await room.unpriced()).toEqual(['disk 5 no_price']);
});

test('usage without a contract is listed, and priced by itself once there is one', async () => {
  const room = new RatingRoom('2026-03-20');
  await room.use('disk', '2026-03-02', '5');
  await room.rate();
  expect(await room.told()).toEqual([]);
  expect(await room.unpriced()).toEqual(['disk 5 no_contract']);
  await room.put('contract', contract('gold', { prices: [priceOf('disk', '2')] }));
  await room.rate();
  expect(await room.told()).toEqual(['gold 03-01: disk 5 = 10.00 EUR']);
  expect(await room.unpriced()).toEqual([]);
});

test('usage without a price is priced by itself once the list has one', async () => {
  const room = await roomWith('2026-03-20');
  await room.use('disk', '2026-03-02', '5');
  await room.rate();
  expect(await room.unpriced()).toEqual(['disk 5 no_price']);
  await room.put('price', listPrice('list', priceOf('disk', '2')));
  await room.rate();
  expect(await room.unpriced()).toEqual([]);
  expect(await room.told()).toEqual(['gold 03-01: disk 5 = 10.00 EUR']);
});

test('unpriced usage that is found piece by piece is listed whole, and never cut', async () => {
  const room = new RatingRoom('2026-03-20');
  for (const when of ['2026-03-02', '2026-03-03', '2026-03-04']) {
    await room.use('disk', when, '5');
    await room.rate();
  }
  await room.book.makeDue('acme', at('2026-03-02'), at('2026-03-05'));
  await room.rate();
  expect(await room.unpriced()).toEqual(['disk 15 no_contract']);
  await room.use('disk', '2026-03-03', '6');
  expect(await room.rate()).toMatchObject({ conflicts: 0 });
  expect(await room.unpriced()).toEqual(['disk 16 no_contract']);
});

test('a period is there from its beginning, with the minimum that it owes, and opened once', async () => {
  const room = new RatingRoom('2026-03-20');
  const disk = priceOf('disk', '2', { minimum: decimal('7') });
  await room.put('contract', contract('gold', { validFrom: at('2026-03-01'), prices: [disk] }));
  await room.rate();
  expect(await room.told()).toEqual(['gold 03-01: disk 0 = 7.00 EUR']);
  await room.until('2026-04-01');
  expect(await room.told()).toEqual([
    'gold 03-01: disk 0 = 7.00 EUR',
    'gold 04-01: disk 0 = 7.00 EUR',
  ]);
  expect(await room.periods()).toEqual(['gold 03-01/04-01 closing', 'gold 04-01/05-01 open']);
  let asked = 0;
  const { book } = room;
  const counting = new Proxy(book, {
    get(target, name) {
      if (name === 'periods') asked += 1;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const rater = room.newRater(room.view, counting);
  await room.rate(rater);
  const before = asked;
  await rater.turn(NEVER);
  expect(asked).toBe(before);
});

test('a contract that is all to come opens no period and charges nothing yet', async () => {
  const room = new RatingRoom('2026-03-20');
  const disk = priceOf('disk', '2', { minimum: decimal('7') });
  await room.put('contract', contract('gold', { validFrom: at('2026-05-01'), prices: [disk] }));
  await room.rate();
  expect(await room.periods()).toEqual([]);
  await room.until('2026-05-01');
  expect(await room.told()).toEqual(['gold 05-01: disk 0 = 7.00 EUR']);
});

test('a period takes late usage while it is closing, and is final after its grace time', async () => {
  const room = await roomWith('2026-03-20', ['disk', '2']);
  await room.use('disk', '2026-03-02', '5');
  await room.until('2026-04-02');
  expect(await room.periods()).toContain('gold 03-01/04-01 closing');
  await room.use('disk', '2026-03-31', '1');
  await room.until('2026-04-03T23:59');
  expect(await room.told()).toEqual(['gold 03-01: disk 6 = 12.00 EUR']);
  expect(await room.periods()).toContain('gold 03-01/04-01 closing');
  await room.until('2026-04-04T00:01');
  expect(await room.periods()).toContain('gold 03-01/04-01 final');
  expect(await room.book.periodsToFinish(room.clock.now(), 10)).toEqual([]);
  const [march] = await room.book.periods('acme', at('2026-03-01'), at('2026-03-02'));
  expect(march?.finalAt).toBe(at('2026-04-04T00:01'));
});

test('one with a long grace time keeps nobody else from becoming final', async () => {
  const room = new RatingRoom('2026-03-20');
  const patient = 30 * 86_400_000;
  for (let index = 0; index < 120; index += 1) {
    const tenant = `a${index}`;
    await room.put('contract', contract(tenant, { tenant, graceMs: patient }));
  }
  await room.put('contract', contract('gold', { tenant: 'zoo' }));
  await room.until('2026-03-21');
  await room.until('2026-04-05');
  const [march] = await room.book.periods('zoo', at('2026-03-01'), at('2026-03-02'));
  expect(march?.state).toBe('final');
  const [other] = await room.book.periods('a7', at('2026-03-01'), at('2026-03-02'));
  expect(other?.state).toBe('closing');
});

test('what comes too late is charged in the open period, for what it changes', async () => {
  const room = await roomWith('2026-03-20', ['disk', '2']);
  await room.use('disk', '2026-03-02', '5');
  await room.until('2026-04-10');
  await room.use('disk', '2026-03-03', '1.5', 2);
  await room.use('disk', '2026-04-03', '4');
  await room.rate();
  expect(await room.told()).toEqual([
    'gold 03-01: disk 5 = 10.00 EUR',
    'gold 04-01: disk for 03-01 1.5 = 3.00 EUR',
    'gold 04-01: disk 4 = 8.00 EUR',
  ]);
  // Again later, and the other way: the adjustment is what is left.
  await room.use('disk', '2026-03-03', '0', 0);
  await room.rate();
  expect(await totalOf(room)).toBe('18');
  expect((await room.told()).filter((line) => line.includes('for'))).toEqual([]);
});

test('an adjustment names the final period as it was, and no more than a period', async () => {
  const room = await roomWith('2026-03-20', ['disk', '2']);
  await room.until('2026-04-10');
  await room.use('disk', '2026-03-03', '1');
  await room.rate();
  const [adjustment] = await room.charges();
  const march = { tenant: 'acme', contract: 'gold', from: at('2026-03-01'), to: at('2026-04-01') };
  expect(adjustment).toMatchObject({ kind: 'adjustment', pulses: 1 });
  expect(adjustment?.adjusts).toEqual(march);
  expect(adjustment?.period).toEqual({ ...march, from: march.to, to: at('2026-05-01') });
});

test('the open period is stored with all of its lines, also where an adjustment comes first', async () => {
  const room = new RatingRoom('2026-03-20');
  const disk = priceOf('disk', '2', { minimum: decimal('7') });
  await room.put('contract', contract('gold', { validFrom: at('2026-02-01'), prices: [disk] }));
  await room.rate();
  await room.until('2026-04-10');
  await room.use('disk', '2026-02-03', '10');
  room.clock.advance(at('2026-05-02') - room.clock.now());
  await room.view.refresh();
  // The turn that meets the late usage is the first one in May.
  await room.rater.turn(NEVER);
  await room.rate();
  expect((await room.told()).filter((line) => line.startsWith('gold 05'))).toEqual([
    'gold 05-01: disk for 02-01 10 = 13.00 EUR',
    'gold 05-01: disk 0 = 7.00 EUR',
  ]);
});

test('adjustments of several final periods stand side by side, and each stays when another is reckoned', async () => {
  const room = await roomWith('2026-02-20', ['disk', '2']);
  await room.use('disk', '2026-02-02', '5');
  await room.until('2026-03-20');
  await room.use('disk', '2026-03-02', '5');
  await room.until('2026-04-10');
  await room.use('disk', '2026-02-03', '1');
  await room.rate();
  await room.use('disk', '2026-03-03', '2');
  await room.rate();
  await room.use('disk', '2026-04-03', '3');
  await room.rate();
  const april = [
    'gold 04-01: disk 3 = 6.00 EUR',
    'gold 04-01: disk for 02-01 1 = 2.00 EUR',
    'gold 04-01: disk for 03-01 2 = 4.00 EUR',
  ];
  expect([...(await room.told())].sort()).toEqual([
    'gold 02-01: disk 5 = 10.00 EUR',
    'gold 03-01: disk 5 = 10.00 EUR',
    ...april,
  ]);
  await room.until('2026-05-02');
  // April is closing: its adjustments stay, and only what is more comes into May.
  await room.use('disk', '2026-02-04', '10');
  await room.use('disk', '2026-04-04', '1');
  await room.rate();
  expect([...(await room.told())].sort().slice(2)).toEqual([
    'gold 04-01: disk 4 = 8.00 EUR',
    ...april.slice(1),
    'gold 05-01: disk for 02-01 10 = 20.00 EUR',
  ]);
  await room.until('2026-05-10');
  await room.use('disk', '2026-02-05', '1');
  await room.rate();
  expect(await totalOf(room)).toBe('56');
  expect((await room.told()).at(-1)).toBe('gold 05-01: disk for 02-01 11 = 22.00 EUR');
});

test('a new price for a final period is an adjustment', async () => {
  const room = await roomWith('2026-03-20', ['disk', '2']);
  await room.use('disk', '2026-03-02', '5');
  await room.until('2026-04-10');
  await room.put('contract', contract('gold', { prices: [priceOf('disk', '1.5')] }));
  await room.rate();
  expect(await room.told()).toEqual([
    'gold 03-01: disk 5 = 10.00 EUR',
    'gold 04-01: disk for 03-01 0 = -2.50 EUR',
  ]);
});

test('a contract that is cut short takes back what it charged behind its end', async () => {
  const room = await roomWith('2026-02-20', ['disk', '2']);
  await room.use('disk', '2026-02-25', '5');
  await room.use('disk', '2026-03-02', '7');
  await room.until('2026-03-20');
  const cut = { validTo: at('2026-02-20'), prices: [priceOf('disk', '2')] };
  await room.put('contract', contract('gold', cut));
  await room.rate();
  // February is final: what it charged is given back after the contract's end. March is not: it is gone.
  expect(await room.told()).toEqual([
    'gold 02-01: disk 5 = 10.00 EUR',
    'gold 03-01: disk for 02-01 -5 = -10.00 EUR',
  ]);
  expect(await room.unpriced()).toEqual(['disk 12 no_contract']);
  await room.until('2026-05-20');
  expect(await room.book.periodsToFinish(room.clock.now(), 10)).toEqual([]);
  expect(await totalOf(room)).toBe('0');
});

test('a tenant without a contract any more is charged for late usage all the same', async () => {
  const room = new RatingRoom('2026-03-01');
  const ended = { validTo: at('2026-03-20'), graceMs: 0, prices: [priceOf('disk', '2')] };
  await room.put('contract', contract('gold', ended));
  await room.use('disk', '2026-03-02', '5');
  await room.until('2026-03-25');
  expect(await room.periods()).toContain('gold 03-01/03-20 final');
  await room.use('disk', '2026-03-03', '1');
  await room.rate();
  expect(await room.told()).toEqual([
    'gold 03-01: disk 5 = 10.00 EUR',
    'gold 03-20: disk for 03-01 1 = 2.00 EUR',
  ]);
  await room.until('2026-04-25');
  expect((await room.periods()).slice(-1)).toEqual(['gold 03-20/04-01 final']);
  await room.use('disk', '2026-03-04', '2');
  await room.rate();
  expect(await room.told()).toContain('gold 04-01: disk for 03-01 2 = 4.00 EUR');
  expect(await totalOf(room)).toBe('16');
  // Nothing is asked of what is there for adjustments alone.
  expect(await room.unpriced()).toEqual([]);
});

test('of several contracts that are over it is the last one that late usage is charged behind', async () => {
  const room = new RatingRoom('2026-02-10');
  const prices = [priceOf('disk', '2')];
  const ends = { first: '2026-03-01', second: '2026-03-10' };
  const first = { validTo: at(ends.first), graceMs: 0, prices };
  const second = { validFrom: at(ends.first), validTo: at(ends.second), graceMs: 0, prices };
  await room.put('contract', contract('a-second', second));
  await room.put('contract', contract('first', first));
  await room.until('2026-03-15');
  await room.use('disk', '2026-02-03', '1');
  await room.rate();
  expect(await room.told()).toEqual(['a-second 03-10: disk for 02-01 1 = 2.00 EUR']);
});

test('of several contracts that are all to come it is the first one', async () => {
  const room = await roomWith('2026-03-20', ['disk', '2']);
  await room.use('disk', '2026-03-02', '5');
  await room.until('2026-04-10');
  await room.put('contract', contract('a-later', { validFrom: at('2026-09-01') }));
  await room.put('contract', contract('gold', { validFrom: at('2026-06-01') }));
  await room.rate();
  expect((await room.told()).at(-1)).toBe('gold 06-01: disk for 03-01 -5 = -10.00 EUR');
});

test('a tenant whose contract was moved to the future is charged in its first period', async () => {
  const room = await roomWith('2026-03-20', ['disk', '2']);
  await room.use('disk', '2026-03-02', '5');
  await room.until('2026-04-10');
  const moved = { validFrom: at('2026-06-01'), prices: [priceOf('disk', '2')] };
  await room.put('contract', contract('gold', moved));
  await room.rate();
  expect((await room.told()).at(-1)).toBe('gold 06-01: disk for 03-01 -5 = -10.00 EUR');
});

test('a clock that is set back into a final period charges in the one behind it', async () => {
  const room = await roomWith('2026-03-20', ['disk', '2']);
  await room.use('disk', '2026-03-02', '5');
  await room.until('2026-04-10');
  room.clock.jump(at('2026-03-25') - room.clock.now());
  await room.use('disk', '2026-03-03', '1');
  await room.rate();
  expect(await room.told()).toEqual([
    'gold 03-01: disk 5 = 10.00 EUR',
    'gold 04-01: disk for 03-01 1 = 2.00 EUR',
  ]);
});

test('a threshold raises one event a period, as soon as it is reached', async () => {
  const room = await roomWith('2026-03-20', ['disk', '2']);
  await room.put('threshold', threshold('much', 'disk', '10'));
  await room.use('disk', '2026-03-02', '9.99');
  await room.use('cpu', '2026-03-02', '50');
  await room.rate();
  expect(await room.events()).toEqual([]);
  await room.use('disk', '2026-03-03', '0.01');
  await room.rate();
  await room.use('disk', '2026-03-04', '5');
  await room.rate();
  expect(await room.events()).toEqual(['much 03-01 10']);
  await room.until('2026-04-02');
  await room.use('disk', '2026-04-01', '11');
  await room.rate();
  expect(await room.events()).toEqual(['much 04-01 11', 'much 03-01 10']);
  // One that comes later is held against the period that is open.
  await room.put('threshold', threshold('some', 'disk', '2'));
  await room.put('threshold', { ...threshold('other', 'disk', '1'), tenant: 'zoo' });
  await room.rate();
  expect((await room.events())[0]).toBe('some 04-01 11');
});

test('a threshold that was raised is reached anew, once, and what was raised before stays', async () => {
  const room = await roomWith('2026-03-20', ['disk', '2']);
  const puttingIt = async (amount: string) => {
    await room.put('threshold', threshold('much', 'disk', amount));
    await room.rate();
    return room.events();
  };
  await room.use('disk', '2026-03-02', '12');
  expect(await puttingIt('10')).toEqual(['much 03-01 12']);
  expect(await puttingIt('20')).toEqual(['much 03-01 12']);
  for (const day of ['03', '04']) {
    await room.use('disk', `2026-03-${day}`, '9');
    await room.rate();
    expect(await room.events()).toEqual(['much 03-01 21', 'much 03-01 12']);
  }
  const events = await room.book.events('acme', 9);
  expect(events.map(({ thresholdAmount }) => thresholdAmount)).toEqual(['20', '10']);
  // As it was before: that was told of already.
  expect(await puttingIt('10')).toHaveLength(2);
});

test('several raters at once come to what one alone does, and whoever comes second looks again', async () => {
  const room = await roomWith('2026-03-20', ['disk', '2']);
  await room.rate();
  await room.use('disk', '2026-03-02', '5');
  const views = [room.newView(), room.newView(), room.newView()];
  for (const view of views) await view.refresh();
  const raters = views.map((view) => room.newRater(view));
  const turns = await Promise.all(raters.map((rater) => rater.turn(NEVER)));
  expect(turns.reduce((sum, { rated }) => sum + rated, 0)).toBeGreaterThan(0);
  expect(turns.reduce((sum, { conflicts }) => sum + conflicts, 0)).toBeGreaterThan(0);
  await Promise.all(raters.map((rater) => rater.turn(NEVER)));
  await room.rate();
  expect(await room.told()).toEqual(['gold 03-01: disk 5 = 10.00 EUR']);
  expect(await room.book.due(10)).toEqual([]);
});

test('a tenant that can not be rated is told, and keeps nobody else waiting', async () => {
  const room = await roomWith('2026-03-20', ['disk', '2']);
  const broken = priceOf('disk', '2', { currency: 'XXX' });
  await room.put('contract', contract('bad', { tenant: 'aaa', currency: 'XXX', prices: [broken] }));
  await room.use('disk', '2026-03-02', '5', 1, 'aaa');
  await room.use('disk', '2026-03-02', '5');
  await room.view.refresh();
  expect(await room.rater.turn(NEVER)).toMatchObject({ rated: 1, failed: 1 });
  expect(room.troubles.map(({ tenant, error }) => `${tenant}: ${error}`)).toEqual([
    'aaa: RangeError: XXX is no currency in use.',
  ]);
  expect(await room.told()).toEqual(['gold 03-01: disk 5 = 10.00 EUR']);
  expect((await room.book.due(10)).map(({ tenant }) => tenant)).toEqual(['aaa']);
});

test('a tenant of more series than one reckoning takes in keeps nobody else waiting', async () => {
  const room = await roomWith('2026-03-20', ['disk', '2']);
  await room.use('disk', '2026-03-02', '5', 1, 'aaa');
  await room.use('disk', '2026-03-02', '5');
  const crowded = new Proxy(room.book, {
    get(target, name) {
      if (name === 'usage') {
        return async (...asked: Parameters<RatingBook['usage']>) =>
          target.usage(asked[0], asked[1], asked[0].tenant === 'aaa' ? 0 : asked[2]);
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  await room.view.refresh();
  const rater = room.newRater(room.view, crowded);
  expect(await rater.turn(NEVER)).toMatchObject({ rated: 1, failed: 1 });
  expect(room.troubles.map(({ tenant }) => tenant)).toEqual(['aaa']);
  expect(await room.told()).toEqual(['gold 03-01: disk 5 = 10.00 EUR']);
  expect((await room.book.due(10)).map(({ tenant }) => tenant)).toEqual(['aaa']);
});

test("a store that fails is everybody's trouble, and the next turn does it all", async () => {
  const room = await roomWith('2026-03-20', ['disk', '2']);
  await room.use('disk', '2026-03-02', '5');
  let away = true;
  const flaky = new Proxy(room.book, {
    get(target, name) {
      if (name === 'putCharges' && away) {
        return async () => {
          throw new ApuraError('store_unavailable', 'away');
        };
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const rater = room.newRater(room.view, flaky);
  await room.view.refresh();
  expect(rater.turn(NEVER)).rejects.toThrow('away');
  away = false;
  await room.rate(rater);
  expect(await room.told()).toEqual(['gold 03-01: disk 5 = 10.00 EUR']);
});

test('a turn that is told to stop does nothing more', async () => {
  const room = await roomWith('2026-03-20', ['disk', '2']);
  await room.use('disk', '2026-03-02', '5');
  await room.view.refresh();
  const stopped = AbortSignal.abort();
  expect(await room.rater.turn(stopped)).toMatchObject({ rated: 0, finished: 0 });
  await room.rate();
  room.clock.advance(at('2026-04-10') - room.clock.now());
  await room.rater.turn(stopped);
  expect(await room.periods()).toContain('gold 03-01/04-01 open');
  room.clock.advance(60_000);
  await room.rater.turn(NEVER);
  expect(await room.periods()).toContain('gold 03-01/04-01 final');
});

test('whatever comes when, all that is charged in the end is what a right first reckoning charges', async () => {
  const day = fc.integer({ min: 1, max: 14 }).map((number) => String(number).padStart(2, '0'));
  const use = fc.record({
    month: fc.integer({ min: 1, max: 6 }),
    day,
    amount: fc.integer({ min: 0, max: 9 }),
  });
  const move = fc.oneof(
    { weight: 6, arbitrary: use.map((usage) => ({ kind: 'use' as const, ...usage })) },
    { weight: 2, arbitrary: fc.constant({ kind: 'month' as const }) },
    {
      weight: 1,
      arbitrary: fc.integer({ min: 1, max: 4 }).map((price) => ({ kind: 'price' as const, price })),
    },
    {
      weight: 1,
      arbitrary: fc.integer({ min: 2, max: 6 }).map((end) => ({ kind: 'end' as const, end })),
    },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(move, { maxLength: 25 }), async (moves) => {
      const room = await roomWith('2026-01-15', ['disk', '2']);
      await room.rate();
      let [unitPrice, end, month] = [2, 12, 1];
      const used = new Map<string, number>();
      for (const each of moves) {
        if (each.kind === 'use') {
          // Nothing is taken that lies ahead of the clock.
          const when = `2026-0${Math.min(each.month, month)}-${each.day}`;
          used.set(when, each.amount);
          await room.use('disk', when, String(each.amount));
        } else if (each.kind === 'month') {
          month = Math.min(month + 1, 8);
          await room.until(`2026-0${month}-15`);
        } else {
          if (each.kind === 'price') unitPrice = each.price;
          else end = each.end;
          const prices = [priceOf('disk', String(unitPrice))];
          const validTo = end === 12 ? null : at(`2026-0${end}-10`);
          await room.put('contract', contract('gold', { validTo, prices }));
        }
        await room.rate();
      }
      const within = [...used].filter(([when]) => end === 12 || at(when) < at(`2026-0${end}-10`));
      const expected = within.reduce((sum, [, amount]) => sum + amount * unitPrice, 0);
      expect(await totalOf(room)).toBe(String(expected));
      const unpriced = await room.book.unpriced({ tenant: 'acme', from: 0, to: END_OF_TIME }, 99);
      const left = [...used.values()].reduce((sum, amount) => sum + amount, 0);
      const priced = within.reduce((sum, [, amount]) => sum + amount, 0);
      expect(formatDecimal(exactSum(...unpriced.map(({ quantity }) => quantity)))).toBe(
        String(left - priced),
      );
    }),
    { numRuns: 60 },
  );
});
