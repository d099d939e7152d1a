import { beforeEach, expect, test } from 'bun:test';
import { MeteringWorks } from '../../../test/support/metering-works.ts';
import { at, contract, decimal, listPrice, priceOf } from '../../../test/support/rating-room.ts';
import { formatDecimal } from '../../domain/counting/decimal.ts';
import type { MeteringCaller } from '../../edge/http/metering-deps.ts';

const OPERATOR: MeteringCaller = { actor: 'ann', tenant: null };
const ACME: MeteringCaller = { actor: 'key', tenant: 'acme' };
const used = (amount: string, sku = 'disk') => ({ sku, unit: 'GiB', amount });
const PRICE = { sku: 'disk', unit: 'GiB', currency: 'EUR', model: 'per_unit', unitPrice: '0.5' };

let room: MeteringWorks;

beforeEach(async () => {
  room = new MeteringWorks('2026-03-10');
  const disk = priceOf('disk', '2');
  const cpu = priceOf('cpu', '1', { minimum: decimal('99') });
  await room.put('contract', contract('gold', { prices: [disk, cpu], validTo: at('2026-06-01') }));
  await room.put('price', listPrice('list', priceOf('disk', '3'), '2026-01-01', '2026-05-01'));
  await room.put('price', listPrice('dear', priceOf('disk', '4'), '2026-05-01'));
  await room.put('price', listPrice('ram', priceOf('ram', '7')));
});

async function told(body: unknown, caller = OPERATOR): Promise<readonly string[]> {
  const result = await room.useCases.estimate({ body, caller });
  if (result.kind === 'invalid') return result.problems.map(({ pointer }) => pointer);
  return [
    ...result.charges.map(
      ({ series, rounded, currency, price, pulses }) =>
        `${series.sku} ${formatDecimal(rounded)} ${currency} by ${price.id} of ${pulses}`,
    ),
    ...result.unpriced.map(({ series, reason }) => `${series.sku} ${reason}`),
  ];
}

test('a tenant sees what its contract and the list ask for, and no minimum that it did not ask for', async () => {
  const usage = [used('10'), used('5'), used('2', 'ram'), used('1', 'gpu')];
  expect(await told({ usage }, ACME)).toEqual([
    'disk 30.00 EUR by contract of 0',
    'ram 14.00 EUR by ram of 0',
    'gpu no_price',
  ]);
  expect(await told({ tenant: 'acme', usage: [used('1', 'cpu')] })).toEqual([
    'cpu 99.00 EUR by contract of 0',
  ]);
  expect(await room.charges()).toEqual([]);
});

test("a price that is tried stands in place of the contract's and of the list's", async () => {
  expect(await told({ usage: [used('10')], price: PRICE }, ACME)).toEqual([
    'disk 5.00 EUR by contract of 0',
  ]);
  const usage = [used('10'), used('1', 'ram')];
  expect(await told({ usage, price: PRICE })).toEqual([
    'disk 5.00 EUR by contract of 0',
    'ram 7.00 EUR by ram of 0',
  ]);
});

test('without a tenant the list prices it, as of the instant that is named', async () => {
  expect(await told({ usage: [used('10')], currency: 'EUR' })).toEqual([
    'disk 30.00 EUR by list of 0',
  ]);
  const later = { usage: [used('10')], currency: 'EUR', at: '2026-05-01T00:00:00Z' };
  expect(await told(later)).toEqual(['disk 40.00 EUR by dear of 0']);
  expect(await told({ usage: [used('10')], currency: 'USD' })).toEqual(['disk no_price']);
});

test('a tenant without a contract at that time has no price, save for one that is tried', async () => {
  const later = { usage: [used('10')], at: '2026-06-01T00:00:00Z' };
  expect(await told(later, ACME)).toEqual(['disk no_contract']);
  expect(await told({ ...later, at: '2026-05-31T23:59:59Z' }, ACME)).toEqual([
    'disk 20.00 EUR by contract of 0',
  ]);
  expect(await told({ ...later, price: PRICE }, ACME)).toEqual(['disk 5.00 EUR by contract of 0']);
});

test('what can not be estimated is said, member by member', async () => {
  const usage = [used('10')];
  expect(await told({ usage })).toEqual(['/currency']);
  expect(await told({ usage, tenant: 'zoo' }, ACME)).toEqual(['/tenant']);
  expect(await told({ usage, price: { ...PRICE, currency: 'USD' } }, ACME)).toEqual([
    '/price/currency',
  ]);
  expect(await told({ usage, currency: 'USD' }, ACME)).toEqual(['/currency']);
  expect(await told({ usage: [] })).toEqual(['/usage']);
  expect(await told({ usage, price: 'free' })).toEqual(['/price']);
  expect(await told({ usage: [used('-1')], price: { ...PRICE, unitPrice: 1 } })).toEqual([
    '/price/unitPrice',
    '/usage/0/amount',
  ]);
  const much = { ...used('9'.repeat(38)) };
  expect(await told({ usage: [much], price: PRICE })).toEqual(['disk amount_too_large']);
});
