/** A pulse follows from its number alone, its bytes say what the plan says, and sums lose no digit. */
import { describe, expect, test } from 'bun:test';
import { fromBinary, type Message } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { type ContractPulse, messageType } from '../../../../test/support/pulse-messages.ts';
import { parseAmount } from '../../../domain/metering/amount.ts';
import { DeliveryJournal } from '../load/delivery-journal.ts';
import { LOAD_SOURCE, PulsePlan } from './pulse-plan.ts';
import { PulseRequests } from './pulse-requests.ts';
import { acceptedUsage, isEven, unknownPulses, usageOf } from './usage-balance.ts';

const START = Date.UTC(2026, 10, 21) + 0.4;

function planWith(seed: number, given: { duplicates?: number; tenants?: number } = {}): PulsePlan {
  return new PulsePlan({
    ...{
      prefix: 'run',
      tenants: 3,
      skus: 5,
      duplicates: 0,
      seed,
      tag: { x: 0xffff_ffff, z: 0x3ff },
    },
    occurredAt: (pulse) => START + pulse * 0.25,
    ...given,
  });
}

const read = (bytes: Uint8Array) =>
  (fromBinary(messageType('IngestRequest'), bytes) as Message & { pulses: ContractPulse[] }).pulses;

const amountOf = (plan: PulsePlan, pulse: number): bigint => {
  const { whole, high, low } = plan.amountOf(pulse);
  return BigInt(whole) * 10n ** 18n + BigInt(high) * 10n ** 9n + BigInt(low);
};

describe('a request', () => {
  test('says of each pulse what the plan says, as a reader of the contract finds it', () => {
    const numbers = fc.array(fc.nat({ max: 0xffff_ffff }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(numbers, fc.nat(), fc.boolean(), (pulses, seed, namesTenants) => {
        const plan = planWith(seed);
        const bytes = new PulseRequests(plan, namesTenants).encode(pulses, pulses.length);
        for (const [at, found] of read(bytes).entries()) {
          const pulse = pulses[at] ?? -1;
          const series = plan.series[plan.seriesOf(pulse)];
          expect(found).toMatchObject({
            id: plan.idOf(pulse),
            source: LOAD_SOURCE,
            tenant: namesTenants ? (series?.tenant ?? '') : '',
            productSku: series?.sku ?? '',
            useUnity: series?.unit ?? '',
          });
          expect(parseAmount(found.usedAmount)).toBe(amountOf(plan, pulse));
          const { seconds = 0n, nanos = 0 } = found.occurredAt ?? {};
          expect(Number(seconds) * 1_000 + nanos / 1e6).toBe(plan.occurredAt(pulse));
        }
      }),
    );
  });

  test('of the same pulses is the same to the byte, whenever it is made', () => {
    const make = () => new PulseRequests(planWith(7), true).encode([3, 1, 4], 3);
    expect(make()).toEqual(make());
    expect(new PulseRequests(planWith(8), true).encode([3, 1, 4], 3)).not.toEqual(make());
  });
});

describe('a plan', () => {
  test('spreads pulses over every series, and gives each an id of its own', () => {
    const plan = planWith(1);
    const counts = plan.series.map(() => 0);
    const ids = new Set<string>();
    for (let pulse = 0; pulse < 15_000; pulse += 1) {
      const series = plan.seriesOf(pulse);
      counts[series] = (counts[series] ?? 0) + 1;
      ids.add(plan.idOf(pulse));
    }
    expect(ids.size).toBe(15_000);
    expect(Math.min(...counts)).toBeGreaterThan(850);
    expect(Math.max(...counts)).toBeLessThan(1_150);
  });

  test('sends the share of pulses twice that it is told', () => {
    const twice = (duplicates: number) => {
      const plan = planWith(1, { duplicates });
      return Array.from({ length: 10_000 }, (_, pulse) => plan.isSentTwice(pulse)).filter(Boolean);
    };
    expect([twice(0).length, twice(1).length]).toEqual([0, 10_000]);
    expect(Math.abs(twice(0.1).length - 1_000)).toBeLessThan(150);
  });
});

describe('sums', () => {
  test('are those of the accepted pulses alone, exact to the eighteenth digit', () => {
    const plan = planWith(3);
    const journal = new DeliveryJournal(2_000);
    const sums = plan.series.map(() => ({ sum: 0n, count: 0 }));
    for (let pulse = 0; pulse < 1_900; pulse += 1) {
      journal.sent(pulse);
      if (pulse % 7 === 0) journal.refused(pulse, 'too_old');
      else if (pulse % 7 === 1) journal.lost(pulse);
      else if (pulse % 7 !== 2) {
        journal.accepted(pulse);
        const at = plan.seriesOf(pulse);
        const { sum, count } = sums[at] ?? { sum: 0n, count: 0 };
        sums[at] = { sum: sum + amountOf(plan, pulse), count: count + 1 };
      }
    }
    expect(acceptedUsage(journal, plan)).toEqual(sums);
    expect(unknownPulses(journal, 5)).toEqual([1, 2, 8, 9, 15]);
    expect(unknownPulses(journal, 10_000)).toHaveLength(544);
  });

  test('are even where amount and number of pulses both are', () => {
    const expected = { sum: 5n, count: 2 };
    const evenWith = (sum: bigint, count: number) =>
      isEven({ name: 'a', expected, usage: { sum, count } });
    expect([evenWith(5n, 2), evenWith(5n, 3), evenWith(6n, 2)]).toEqual([true, false, false]);
  });

  test('stay exact where a double alone would not hold them', () => {
    const plan = planWith(3, { tenants: 1 });
    const many = 9_500_000;
    const one = { ...plan, series: [plan.series[0]], seriesOf: () => 0, amountOf: () => PARTS };
    const PARTS = { whole: 999, high: 999_999_999, low: 999_999_999 };
    const numbers = function* () {
      for (let pulse = 0; pulse < many; pulse += 1) yield pulse;
    };
    const [usage] = usageOf(numbers(), one as unknown as PulsePlan);
    expect(usage).toEqual({ sum: BigInt(many) * (10n ** 21n - 1n), count: many });
  });
});
