import { expect, test } from 'bun:test';
import type { ThresholdEvent } from './metering.ts';
import { crossingNow } from './threshold-standing.ts';

const EVENT: ThresholdEvent = {
  threshold: 'disk',
  tenant: 'acme',
  sku: 'disk',
  unit: 'GiB',
  period: { contract: 'c', from: '2026-11-01T00:00:00.000Z', to: '2026-12-01T00:00:00.000Z' },
  thresholdAmount: '10',
  amount: '12',
  at: '2026-11-05T00:00:00.000Z',
};

const THRESHOLD = { id: 'disk', sku: 'disk', unit: 'GiB', amount: '10' };

test('a threshold is reached in the period of now only by its own crossing of that period', () => {
  const at = (time: string, id = 'disk') =>
    crossingNow([EVENT], { ...THRESHOLD, id }, Date.parse(time));
  expect(at('2026-11-01T00:00:00.000Z')).toBe(EVENT);
  expect(at('2026-11-30T23:59:59.999Z')).toBe(EVENT);
  expect(at('2026-12-01T00:00:00.000Z')).toBeUndefined();
  expect(at('2026-10-31T23:59:59.999Z')).toBeUndefined();
  expect(at('2026-11-05T00:00:00.000Z', 'net')).toBeUndefined();
});

test('a threshold that asks for something else since is not reached by what it asked for then', () => {
  const now = Date.parse(EVENT.at);
  for (const change of [{ amount: '20' }, { amount: '5' }, { sku: 'net' }, { unit: 'MiB' }]) {
    expect(crossingNow([EVENT], { ...THRESHOLD, ...change }, now)).toBeUndefined();
  }
  const anew = { ...EVENT, thresholdAmount: '20', amount: '21' };
  expect(crossingNow([anew, EVENT], { ...THRESHOLD, amount: '20.0' }, now)).toBe(anew);
  expect(crossingNow([anew, EVENT], THRESHOLD, now)).toBe(EVENT);
});
