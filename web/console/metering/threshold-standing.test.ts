import { expect, test } from 'bun:test';
import type { ThresholdEvent } from './metering.ts';
import { crossingNow } from './threshold-standing.ts';

const EVENT: ThresholdEvent = {
  threshold: 'disk',
  tenant: 'acme',
  sku: 'disk',
  unit: 'GiB',
  period: { contract: 'c', from: '2026-11-01T00:00:00.000Z', to: '2026-12-01T00:00:00.000Z' },
  amount: '10',
  at: '2026-11-05T00:00:00.000Z',
};

test('a threshold is reached in the period of now only by its own crossing of that period', () => {
  const at = (time: string, threshold = 'disk') =>
    crossingNow([EVENT], threshold, Date.parse(time));
  expect(at('2026-11-01T00:00:00.000Z')).toBe(EVENT);
  expect(at('2026-11-30T23:59:59.999Z')).toBe(EVENT);
  expect(at('2026-12-01T00:00:00.000Z')).toBeUndefined();
  expect(at('2026-10-31T23:59:59.999Z')).toBeUndefined();
  expect(at('2026-11-05T00:00:00.000Z', 'net')).toBeUndefined();
});
