import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  sampleCharge,
  samplePeriod,
  sampleUnpriced,
} from '../../../test/support/rating-samples.ts';
import {
  type ChargePlace,
  chargeCursorAt,
  chargePlaceOf,
  compareEnds,
  comparePeriods,
  comparePlaces,
  compareUnpriced,
  periodKey,
  placeAtCursor,
} from './charge-order.ts';

const place: ChargePlace = {
  tenant: 'b',
  periodFrom: 5,
  contract: 'b',
  sku: 'b',
  unit: 'b',
  from: 5,
  id: 'b',
};

describe('charges', () => {
  test('stand where tenant, period, contract, sku, unit, start and id say, in this order', () => {
    const period = samplePeriod({ tenant: 't', contract: 'c' });
    const series = { tenant: 't', sku: 's', unit: 'u' };
    expect(chargePlaceOf(sampleCharge(period, { series, from: 9, id: 'i' }))).toEqual({
      tenant: 't',
      periodFrom: period.from,
      contract: 'c',
      sku: 's',
      unit: 'u',
      from: 9,
      id: 'i',
    });
    const names = Object.keys(place) as (keyof ChargePlace)[];
    for (const [at, name] of names.entries()) {
      const number = name === 'from' || name === 'periodFrom';
      const less = { ...place, [name]: number ? 4 : 'a' };
      // What comes behind it says the contrary, and is not asked.
      for (const later of names.slice(at + 1)) {
        Object.assign(less, { [later]: typeof place[later] === 'number' ? 6 : 'c' });
      }
      expect(comparePlaces(less, place)).toBeLessThan(0);
      expect(comparePlaces(place, less)).toBeGreaterThan(0);
    }
    expect(comparePlaces(place, { ...place })).toBe(0);
  });

  test('are gone on with at a cursor that can stand in an address', () => {
    const texts = fc.string({ unit: 'grapheme' });
    const times = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
    const places = fc.record({
      tenant: texts,
      periodFrom: times,
      contract: texts,
      sku: texts,
      unit: texts,
      from: times,
      id: texts,
    });
    fc.assert(
      fc.property(places, (each) => {
        const cursor = chargeCursorAt(each);
        expect(cursor).toMatch(/^[\w-]+$/);
        expect(placeAtCursor(cursor)).toEqual(each);
      }),
    );
  });

  test.each([
    ['nothing', ''],
    ['no base64', '%'],
    ['no JSON', btoa('x')],
    ['no UTF-8', btoa('["\xff"]')],
    ['no list', btoa('{}')],
    ['a short list', btoa('["a",1,"b"]')],
    ['a long list', btoa('["a",1,"b","c","d",1,"e",1]')],
    ['a fraction', btoa('["a",1.5,"b","c","d",1,"e"]')],
    ['a number for a text', btoa('["a",1,"b","c","d",1,2]')],
  ])('are not gone on with at a cursor of %s', (_, cursor) => {
    const refusal = expect.objectContaining({ code: 'invalid_query' });
    expect(() => placeAtCursor(cursor)).toThrow(refusal);
  });
});

test('a period is known by tenant, contract and start, whatever its end', () => {
  const period = samplePeriod();
  expect(periodKey({ ...period, to: period.to + 1 })).toBe(periodKey(period));
  for (const other of [{ tenant: 'x' }, { contract: 'x' }, { from: 1 }]) {
    expect(periodKey({ ...period, ...other })).not.toBe(periodKey(period));
  }
});

test('periods are ordered by start and contract, and those that ended by end', () => {
  const one = samplePeriod();
  expect(comparePeriods(one, { ...one, from: one.from + 1, contract: 'a' })).toBeLessThan(0);
  expect(comparePeriods(one, { ...one, contract: 'd' })).toBeLessThan(0);
  const behind = { tenant: 'a', contract: 'a', from: 0 };
  expect(compareEnds(one, { ...one, ...behind, to: one.to + 1 })).toBeLessThan(0);
  expect(compareEnds(one, { ...one, ...behind, tenant: 'b' })).toBeLessThan(0);
  expect(compareEnds(one, { ...one, contract: 'd', from: 0 })).toBeLessThan(0);
  expect(compareEnds(one, { ...one, from: one.from + 1 })).toBeLessThan(0);
});

test('unpriced usage is ordered by series, start and reason', () => {
  const one = sampleUnpriced();
  const of = (fields: Partial<typeof one.series>) => ({ series: { ...one.series, ...fields } });
  const before = { from: 0, reason: 'amount_too_large' } as const;
  for (const later of [
    { ...before, ...of({ tenant: 'b', sku: 'a', unit: 'a' }) },
    { ...before, ...of({ sku: 'b', unit: 'a' }) },
    { ...before, ...of({ unit: 'd' }) },
    { ...before, from: one.from + 1 },
  ]) {
    expect(compareUnpriced(one, { ...one, ...later })).toBeLessThan(0);
  }
  expect(compareUnpriced({ ...one, reason: 'no_contract' }, one)).toBeLessThan(0);
});
