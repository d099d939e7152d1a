import { expect, test } from 'bun:test';
import { MeteringWorks } from '../../../test/support/metering-works.ts';
import { at, contract, decimal, listPrice, priceOf } from '../../../test/support/rating-room.ts';
import { formatDecimal } from '../../domain/counting/decimal.ts';
import { formatShortest } from '../../domain/counting/exact-decimal.ts';
import type { RerateDifference } from '../../domain/metering/rating-difference.ts';
import type { RatingBook } from '../../ports/rating-book.ts';
import { ATTEMPTS_MAX } from './put-entry.ts';
import { type RerateDeps, rerate } from './rerate.ts';

const MARCH = { tenant: 'acme', from: at('2026-03-01'), to: at('2026-04-01') };
const CONTRACT = {
  ...{ tenant: 'acme', currency: 'EUR', validFrom: '2026-01-01T00:00:00Z', graceMs: 259_200_000 },
  prices: [{ sku: 'disk', unit: 'GiB', model: 'per_unit', unitPrice: '3' }],
};

async function usedRoom(): Promise<MeteringWorks> {
  const room = new MeteringWorks('2026-03-20');
  await room.put('contract', contract('gold', { prices: [priceOf('disk', '2')] }));
  await room.use('disk', '2026-03-05', '5');
  await room.use('ram', '2026-03-05', '1');
  await room.rate();
  return room;
}

function told({ lines, totals }: RerateDifference): readonly string[] {
  return [
    ...lines.map(({ before, after, difference }) => {
      const amounts = [before, after].map((charge) => charge && formatDecimal(charge.rounded));
      return `${(after ?? before)?.series.sku} ${amounts.join(' → ')}: ${formatShortest(difference)}`;
    }),
    ...totals.map(({ currency, difference }) => `${currency} ${formatShortest(difference)}`),
  ];
}

test('a price is tried on what was used, before it is put; nothing is stored', async () => {
  const room = await usedRoom();
  const tried = { kind: 'contract', id: 'gold', body: CONTRACT, ...MARCH } as const;
  const preview = await room.useCases.previewEntry(tried);
  if (preview.kind !== 'ok') throw new Error(preview.kind);
  expect(told(preview.difference)).toEqual(['disk 10.00 → 15.00: 5', 'EUR 5']);
  expect(await room.told()).toEqual(['gold 03-01: disk 5 = 10.00 EUR']);
  expect(await room.useCases.entry('contract', 'gold')).toMatchObject({ version: 1 });
  // What is put then comes to what was shown.
  await room.useCases.putEntry({ kind: 'contract', id: 'gold', body: CONTRACT, actor: 'ann' });
  await room.rate();
  expect(await room.told()).toEqual(['gold 03-01: disk 5 = 15.00 EUR']);
});

test('a new list price is tried too, beside those that are there', async () => {
  const room = await usedRoom();
  await room.put('price', listPrice('gpu', priceOf('gpu', '1')));
  const body = {
    ...{ id: 'ram', sku: 'ram', unit: 'GiB', currency: 'EUR', validFrom: '2026-01-01T00:00:00Z' },
    ...{ model: 'per_unit', unitPrice: '7' },
  };
  const preview = await room.useCases.previewEntry({ kind: 'price', id: null, body, ...MARCH });
  expect(preview.kind === 'ok' && told(preview.difference)).toEqual(['ram  → 7.00: 7', 'EUR 7']);
});

test('an entry that would be refused is refused', async () => {
  const room = await usedRoom();
  const other = { kind: 'contract', id: null, body: CONTRACT, ...MARCH } as const;
  expect(await room.useCases.previewEntry(other)).toEqual({ kind: 'overlap', with: 'gold' });
});

test('reckoning anew shows its difference, and stores it where it is told to', async () => {
  const room = await usedRoom();
  const minimum = priceOf('disk', '2', { minimum: decimal('12') });
  await room.put('contract', contract('gold', { prices: [minimum] }));
  // Nobody's bounds have to be those of windows or periods.
  const span = {
    tenant: 'acme',
    from: at('2026-03-07') + 1,
    to: at('2026-03-07') + 1,
    actor: 'ann',
  };
  expect(told(await room.useCases.rerate({ ...span, apply: false }))).toEqual([
    'disk 10.00 → 12.00: 2',
    'EUR 2',
  ]);
  expect(await room.told()).toEqual(['gold 03-01: disk 5 = 10.00 EUR']);
  expect((await room.useCases.acts('acme', null, 1)).acts).toEqual([]);
  expect(told(await room.useCases.rerate({ ...span, apply: true }))[0]).toBe(
    'disk 10.00 → 12.00: 2',
  );
  expect(await room.told()).toEqual(['gold 03-01: disk 5 = 12.00 EUR']);
  expect((await room.useCases.acts('acme', null, 1)).acts).toMatchObject([
    {
      actor: 'ann',
      act: 'rerate',
      kind: 'tenant',
      id: 'acme',
      detail: expect.stringMatching(/1 lines$/),
    },
  ]);
  expect(told(await room.useCases.rerate({ ...span, apply: true }))).toEqual(['EUR 0']);
});

test('what lies in the future is not stored: its minimum would not follow the contract', async () => {
  const room = new MeteringWorks('2026-03-20');
  const minimum = priceOf('disk', '2', { minimum: decimal('12') });
  await room.put('contract', contract('gold', { prices: [minimum] }));
  await room.rate();
  const before = await room.told();
  const apply = { tenant: 'acme', apply: true, actor: 'ann', to: at('9999-01-01') };
  for (const from of [at('2026-03-20T02:00'), at('9998-12-01')]) {
    expect(told(await room.useCases.rerate({ ...apply, from }))).toEqual([]);
  }
  await room.useCases.rerate({ ...apply, from: at('2026-03-01') });
  expect(await room.told()).toEqual(before);
  expect(before.at(-1)).toStartWith('gold 03-01');
});

test('what somebody else was quicker with is reckoned again, and left to the raters in the end', async () => {
  const room = await usedRoom();
  await room.put('contract', contract('gold', { prices: [priceOf('disk', '4')] }));
  const { view, catalogue, clock } = room;
  let conflicts = 2;
  const book: RerateDeps['book'] = {
    revision: (tenant) => room.book.revision(tenant),
    usage: (...asked) => room.book.usage(...asked),
    periods: (...asked) => room.book.periods(...asked),
    charges: (...asked) => room.book.charges(...asked),
    unpricedSpan: (...asked) => room.book.unpricedSpan(...asked),
    makeDue: (...asked) => room.book.makeDue(...asked),
    putCharges: async (change): ReturnType<RatingBook['putCharges']> => {
      conflicts -= 1;
      return conflicts >= 0 ? 'conflict' : room.book.putCharges(change);
    },
  };
  const deps = { book, view, catalogue, clock, digest: (text: string) => text, newId: () => 'x' };
  const input = { ...MARCH, apply: true, actor: 'ann' };
  expect((await rerate(deps, input)).totals).toHaveLength(1);
  expect(conflicts).toBe(-1);
  conflicts = ATTEMPTS_MAX;
  expect(await room.book.due(1)).toEqual([]);
  await rerate(deps, input);
  expect(conflicts).toBe(0);
  // As far as usage can be: an hour ahead.
  expect(await room.book.due(1)).toMatchObject([{ ...MARCH, to: at('2026-03-20T01:00') }]);
});
