import { expect, test } from 'bun:test';
import {
  FIRST_WINDOW,
  periodOf,
  sampleCharge,
  sampleChargeChange,
  sampleEvent,
  samplePeriod,
  sampleUnpriced,
} from '../../../test/support/rating-samples.ts';
import { checkChargeChange } from './charge-change.ts';

const period = samplePeriod();
const foreign = samplePeriod({ tenant: 'other' });
const usage = sampleUnpriced();
const range = { from: usage.from, to: usage.to };
const whole = sampleChargeChange({
  due: { tenant: 'acme', from: 1, to: 2, version: 1 },
  periods: [period, samplePeriod({ index: 1 })],
  charges: [sampleCharge(period), sampleCharge(period, { id: 'charge-2' })],
  unpriced: [usage],
  unpricedRange: range,
  events: [sampleEvent({ period: periodOf(samplePeriod({ index: 5 })) })],
});

const outside = { ...usage.series, tenant: 'x' };

test('a change of one tenant that charges its own periods is in order', () => {
  expect(() => checkChargeChange(whole)).not.toThrow();
  expect(() => checkChargeChange(sampleChargeChange())).not.toThrow();
  const cut = sampleCharge({ ...period, to: period.to - 1 });
  expect(() => checkChargeChange({ ...whole, charges: [cut] })).not.toThrow();
});

test.each([
  ['is not of one tenant', 'a tenant of its own', { tenant: 'other' }],
  ['is not of one tenant', 'another’s due', { due: { tenant: 'other' } }],
  ['is not of one tenant', 'another’s period', { periods: [period, foreign] }],
  ['is not of one tenant', 'another’s charge', { charges: [sampleCharge(foreign)] }],
  [
    'is not of one tenant',
    'a charge of another’s usage',
    { charges: [sampleCharge(period, { series: outside })] },
  ],
  [
    'is not of one tenant',
    'another’s unpriced usage',
    { unpriced: [sampleUnpriced({ series: outside })] },
  ],
  ['is not of one tenant', 'another’s event', { events: [sampleEvent({ tenant: 'other' })] }],
  [
    'is not of one tenant',
    'an event of another’s period',
    { events: [sampleEvent({ period: periodOf(foreign) })] },
  ],
  [
    'names a period twice',
    'the same start twice',
    { periods: [period, { ...period, to: period.to + 1 }] },
  ],
  [
    'charges another period',
    'a charge of a later period',
    { charges: [sampleCharge(samplePeriod({ index: 2 }))] },
  ],
  [
    'charges another period',
    'a charge of another contract',
    { charges: [sampleCharge(samplePeriod({ contract: 'c-2' }))] },
  ],
  ['has a charge twice', 'an id twice', { charges: [sampleCharge(period), sampleCharge(period)] }],
  ['has unpriced usage outside its range', 'no range', { unpricedRange: null }],
  [
    'has unpriced usage outside its range',
    'a range that ends too early',
    { unpricedRange: { ...range, to: range.to - 1 } },
  ],
  [
    'has unpriced usage outside its range',
    'a range that begins too late',
    { unpricedRange: { ...range, from: FIRST_WINDOW + 1 } },
  ],
])('a change of charges that %s is refused: %s', (why, _, fields) => {
  expect(() => checkChargeChange({ ...whole, ...fields })).toThrow(
    new RangeError(`A change of charges ${why}.`),
  );
});
