import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { billingPeriodStateAt, billingPeriods } from './billing-period.ts';
import type { BillingPeriod } from './charge.ts';
import type { Contract } from './contract.ts';
import { USAGE_WINDOW_MS } from './usage.ts';

const at = (text: string): number => Date.parse(text);
const told = ({ from, to }: BillingPeriod): string =>
  `${new Date(from).toISOString().slice(0, 16)}/${new Date(to).toISOString().slice(0, 16)}`;

const CONTRACT: Contract = {
  id: 'gold',
  tenant: 'acme',
  currency: 'EUR',
  validFrom: at('2020-01-01T00:00:00Z'),
  validTo: null,
  timeZone: 'UTC',
  graceMs: 3_600_000,
  prices: [],
  version: 1,
  createdAt: 0,
};
const periods = (contract: Partial<Contract>, from: string, to: string) =>
  billingPeriods({ ...CONTRACT, ...contract }, at(from), at(to));

const ZONES = [
  'UTC',
  'Europe/Paris',
  'America/Sao_Paulo',
  'America/St_Johns',
  'America/Havana',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Asia/Beirut',
  'Australia/Lord_Howe',
  'Pacific/Chatham',
  'Pacific/Apia',
  'Africa/Casablanca',
  'Africa/Monrovia',
];

describe('periods', () => {
  test('are the months of the zone that the question touches, whole', () => {
    expect(
      periods({ timeZone: 'Europe/Paris' }, '2026-03-10T00:00Z', '2026-04-02T00:00Z').map(told),
    ).toEqual(['2026-02-28T23:00/2026-03-31T22:00', '2026-03-31T22:00/2026-04-30T22:00']);
  });

  test('begin at midnight of zones that lie half an hour and 45 minutes off', () => {
    expect(
      periods({ timeZone: 'Asia/Kolkata' }, '2026-03-10T00:00Z', '2026-03-11T00:00Z').map(told),
    ).toEqual(['2026-02-28T18:30/2026-03-31T18:30']);
    expect(
      periods({ timeZone: 'Asia/Kathmandu' }, '2026-03-10T00:00Z', '2026-03-11T00:00Z').map(told),
    ).toEqual(['2026-02-28T18:15/2026-03-31T18:15']);
  });

  test('are cut to the contract, which ends and begins in the middle of a month', () => {
    const validity = { validFrom: at('2026-03-15T12:00Z'), validTo: at('2026-05-02T00:00Z') };
    expect(periods(validity, '2026-01-01T00:00Z', '2027-01-01T00:00Z').map(told)).toEqual([
      '2026-03-15T12:00/2026-04-01T00:00',
      '2026-04-01T00:00/2026-05-01T00:00',
      '2026-05-01T00:00/2026-05-02T00:00',
    ]);
  });

  test('touch the question: one that ends where it begins does not, one that holds its last moment does', () => {
    expect(periods({}, '2026-04-01T00:00Z', '2026-05-01T00:00Z').map(told)).toEqual([
      '2026-04-01T00:00/2026-05-01T00:00',
    ]);
    expect(periods({}, '2026-03-31T23:45Z', '2026-05-01T00:15Z')).toHaveLength(3);
  });

  test('begin once where clocks go back over midnight into the month before', () => {
    // At 00:01 on 1 November 2009 the clocks of St John's went back to 23:01.
    const zone = { timeZone: 'America/St_Johns', validFrom: 0 };
    const november = ['2009-11-01T02:30/2009-12-01T03:30'];
    expect(periods(zone, '2009-11-01T02:45Z', '2009-11-01T03:00Z').map(told)).toEqual(november);
    expect(periods(zone, '2009-11-01T02:30Z', '2009-11-01T03:45Z').map(told)).toEqual(november);
    expect(periods(zone, '2009-11-01T02:15Z', '2009-11-01T02:30Z').map(told)).toEqual([
      '2009-10-01T02:30/2009-11-01T02:30',
    ]);
  });

  test('are found from any moment in them', () => {
    const found = periods(
      { timeZone: 'Asia/Kolkata' },
      '2026-02-28T18:29:59Z',
      '2026-02-28T18:30Z',
    );
    expect(found.map(told)).toEqual(['2026-01-31T18:30/2026-02-28T18:30']);
  });

  test('of no time are none, and neither are those outside the contract', () => {
    expect(periods({}, '2026-04-01T00:00Z', '2026-04-01T00:00Z')).toEqual([]);
    const ended = { validTo: at('2026-01-01T00:00Z') };
    expect(periods(ended, '2026-01-01T00:00Z', '2026-02-01T00:00Z')).toEqual([]);
    expect(periods({}, '2019-01-01T00:00Z', '2020-01-01T00:00Z')).toEqual([]);
  });

  test('of more than a hundred years are refused', () => {
    expect(periods({}, '2020-01-01T00:00Z', '2119-01-01T00:00Z')).toHaveLength(1_188);
    expect(() => periods({}, '2020-01-01T00:00Z', '2220-01-01T00:00Z')).toThrow(RangeError);
  });

  test('know tenant and contract', () => {
    const [first] = periods({}, '2026-04-01T00:00Z', '2026-05-01T00:00Z');
    expect(first).toMatchObject({ tenant: 'acme', contract: 'gold' });
  });

  test.each(ZONES)('tile the time of a contract in %s without gap or overlap', (timeZone) => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2_000_000 }),
        fc.integer({ min: 1, max: 30_000 }),
        fc.integer({ min: 0, max: 20_000 }),
        fc.integer({ min: 1, max: 20_000 }),
        (validFrom, validity, into, span) => {
          const contract = {
            ...CONTRACT,
            timeZone,
            validFrom: validFrom * USAGE_WINDOW_MS,
            validTo: (validFrom + validity) * USAGE_WINDOW_MS,
          };
          const from = (validFrom + into) * USAGE_WINDOW_MS;
          const to = from + span * USAGE_WINDOW_MS;
          const found = billingPeriods(contract, from, to);
          const all = billingPeriods(contract, contract.validFrom, contract.validTo);
          expect(found).toEqual(all.filter((each) => each.from < to && each.to > from));
          expect(all[0]?.from).toBe(contract.validFrom);
          expect(all.at(-1)?.to).toBe(contract.validTo);
          for (const [index, each] of all.entries()) {
            expect(each.from).toBeLessThan(each.to);
            expect(each.from % USAGE_WINDOW_MS).toBe(0);
            expect(each.to).toBe(all[index + 1]?.from ?? contract.validTo);
          }
        },
      ),
      { numRuns: 25 },
    );
  });
});

test('a period is open to its end, closing for the grace time, and final from then on', () => {
  const period = { tenant: 'acme', contract: 'gold', from: 1_000, to: 5_000 };
  const states = [0, 4_999, 5_000, 5_999, 6_000].map((now) =>
    billingPeriodStateAt(period, 1_000, now),
  );
  expect(states).toEqual(['open', 'open', 'closing', 'closing', 'final']);
  expect(billingPeriodStateAt(period, 0, 5_000)).toBe('final');
});
