import { expect, test } from 'bun:test';
import { changedMembers } from './entry-changes.ts';

const price = (sku: string, unitPrice: string) => ({
  sku,
  unit: 'h',
  model: 'per_unit',
  unitPrice,
});
const CONTRACT = {
  id: 'gold',
  validTo: null,
  currency: 'EUR',
  prices: [price('cpu', '1'), price('gpu', '9')],
  version: 1,
  createdAt: '2026-01-01T00:00:00.000Z',
};

test('an entry put again as it was has no change', () => {
  expect(changedMembers(CONTRACT, { ...CONTRACT, version: 2, createdAt: 'later' })).toEqual([]);
});

test('each member and each price that differs is one change', () => {
  const after = {
    ...CONTRACT,
    validTo: '2027-01-01T00:00:00.000Z',
    prices: [price('cpu', '2'), price('disk', '3')],
  };
  expect(changedMembers(CONTRACT, after)).toEqual([
    { name: 'validTo', before: 'null', after: '2027-01-01T00:00:00.000Z' },
    {
      name: 'cpu (h)',
      before: JSON.stringify(price('cpu', '1')),
      after: JSON.stringify(price('cpu', '2')),
    },
    { name: 'disk (h)', before: '', after: JSON.stringify(price('disk', '3')) },
    { name: 'gpu (h)', before: JSON.stringify(price('gpu', '9')), after: '' },
  ]);
});
