import { expect, test } from 'bun:test';
import type { Overview } from './metering.ts';
import {
  lettersOf,
  rateNow,
  ratesOf,
  SAMPLES_MAX,
  type Sample,
  sampleOf,
  waitedMs,
  withSample,
} from './pulse-rate.ts';

const books = (received: number) => ({
  received,
  counted: received,
  duplicates: 0,
  conflicts: 0,
  voided: 0,
  deadLetters: 0,
});
const OVERVIEW: Overview = {
  partitions: [
    { partition: 0, end: 10, next: 7, books: books(40) },
    { partition: 1, end: 5, next: 5, books: books(2) },
  ],
  usageBehind: 4,
  usagePending: 5,
  ratingDue: 6,
  deadLetters: { 'resource-consumption.dlq': 2, 'resource-usage.dlq': 1 },
};
const IDLE = { messages: 0, usage: 0, tenants: 0 };
const at = (second: number, received: number, waiting = IDLE): Sample => ({
  at: second * 1000,
  received,
  waiting,
});

test('all partitions make up one figure', () => {
  expect(sampleOf(OVERVIEW, 5)).toEqual({
    at: 5,
    received: 42,
    waiting: { messages: 3, usage: 9, tenants: 6 },
  });
  expect(lettersOf(OVERVIEW)).toBe(3);
});

test('a rate is what came, divided by the time that it took', () => {
  const rates = ratesOf([at(0, 100), at(1, 150), at(3, 250)]);
  expect(rates).toEqual([
    { at: 1000, perSecond: 50 },
    { at: 3000, perSecond: 50 },
  ]);
});

test('a gap and a rebuilt ledger have no rate', () => {
  const rates = ratesOf([at(0, 100), at(11, 1000), at(12, 0), at(13, 5)]);
  expect(rates.map(({ perSecond }) => perSecond)).toEqual([null, null, 5]);
});

test('the rate of now is that of the last seconds alone', () => {
  const samples = [at(0, 0), at(1, 1000), at(2, 1010), at(3, 1020)];
  expect(rateNow(samples, 2)).toBe(10);
  expect(rateNow([at(0, 5)], 2)).toBeNull();
  expect(rateNow([], 2)).toBeNull();
  expect(rateNow([at(0, 5), at(1, 2)], 2)).toBeNull();
});

test('the oldest samples go', () => {
  let samples: readonly Sample[] = [];
  for (let i = 0; i < SAMPLES_MAX + 5; i += 1) samples = withSample(samples, at(i, i));
  expect(samples).toHaveLength(SAMPLES_MAX);
  expect(samples[0]?.received).toBe(5);
});

test('waiting is counted from when there last was nothing to wait for', () => {
  const busy = { ...IDLE, messages: 2 };
  const samples = [at(0, 0, busy), at(1, 0), at(2, 0, busy), at(5, 0, busy)];
  expect(waitedMs(samples, 'messages')).toBe(3000);
  expect(waitedMs(samples, 'usage')).toBe(0);
  expect(waitedMs(samples.slice(0, 2), 'messages')).toBe(0);
  expect(waitedMs([], 'messages')).toBe(0);
});
