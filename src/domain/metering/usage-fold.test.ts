import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { PulseColumns } from './pulse-columns.ts';
import { PULSE_KEY_BYTES, pulseKeyAt } from './pulse-identity.ts';
import { USAGE_WINDOW_MS, type UsageWindow } from './usage.ts';
import { foldUsage } from './usage-fold.ts';

const SERIES = ['a', 'b', 'c'].map((tenant) => ({ tenant, sku: 'storage', unit: 'GB' }));
const T0 = Date.UTC(2026, 9, 24, 12);

interface Folded {
  readonly key: number;
  readonly series: number;
  readonly amount: bigint;
  readonly at: number;
}

/** Keys that share their first word, so that only all of it tells them apart. */
function columnsOf(pulses: readonly Folded[], shift = 0): PulseColumns {
  const keys = new Uint8Array(shift + pulses.length * PULSE_KEY_BYTES).subarray(shift);
  for (const [index, { key }] of pulses.entries()) {
    keys[index * PULSE_KEY_BYTES + 4 * (key % 4)] = 1 + Math.floor(key / 4);
  }
  return {
    count: pulses.length,
    bytes: new Uint8Array(0),
    start: new Uint32Array(pulses.length),
    end: new Uint32Array(pulses.length),
    keys,
    digests: keys,
    series: SERIES,
    seriesIndex: Uint32Array.from(pulses, ({ series }) => series),
    amounts: pulses.map(({ amount }) => amount),
    occurredAt: Float64Array.from(pulses, ({ at }) => at),
    receivedAt: Float64Array.from(pulses, ({ at }) => at),
    offset: new Float64Array(pulses.length),
  };
}

/** The rules in their plainest form. */
function naiveFold(columns: PulseColumns, counts: Uint8Array | null): UsageWindow[] {
  const met = new Set<string>();
  const groups = new Map<string, number[]>();
  for (let index = 0; index < columns.count; index += 1) {
    const key = pulseKeyAt(columns.keys, index);
    if (counts?.[index] === 0 || met.has(key)) continue;
    met.add(key);
    const at = columns.occurredAt[index] ?? Number.NaN;
    const name = `${columns.seriesIndex[index]} ${at - (at % USAGE_WINDOW_MS)}`;
    groups.set(name, [...(groups.get(name) ?? []), index]);
  }
  return [...groups].map(([name, indexes]) => {
    const [series = 0, start = 0] = name.split(' ').map(Number);
    const amounts = indexes.map((index) => columns.amounts[index] ?? 0n);
    const sorted = amounts.toSorted((left, right) => (left < right ? -1 : 1));
    const places = indexes.map((index) => ({
      lastAt: columns.occurredAt[index] ?? 0,
      lastKey: pulseKeyAt(columns.keys, index),
      last: columns.amounts[index] ?? 0n,
    }));
    places.sort((left, right) =>
      left.lastAt === right.lastAt
        ? left.lastKey < right.lastKey
          ? -1
          : 1
        : left.lastAt - right.lastAt,
    );
    return {
      series: SERIES[series] ?? { tenant: '', sku: '', unit: '' },
      start,
      sum: amounts.reduce((sum, amount) => sum + amount, 0n),
      count: indexes.length,
      min: sorted[0] ?? 0n,
      max: sorted.at(-1) ?? 0n,
      ...(places.at(-1) ?? { last: 0n, lastAt: 0, lastKey: '' }),
    };
  });
}

const pulse: fc.Arbitrary<Folded> = fc.record({
  key: fc.nat(60),
  series: fc.nat(SERIES.length - 1),
  amount: fc.oneof(
    fc.bigInt({ min: -5n, max: 5n }),
    fc.bigInt({ min: -(10n ** 38n), max: 10n ** 38n }),
  ),
  at: fc.oneof(
    fc.constantFrom(0, T0, T0 - 1, T0 + USAGE_WINDOW_MS - 1, T0 + USAGE_WINDOW_MS),
    fc.integer({ min: T0 - 2_000_000, max: T0 + 2_000_000 }),
    fc.constant(253_402_300_799_999),
  ),
});

describe('usage', () => {
  test('is what the rules in their plainest form come to, whatever the pulses', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(pulse, fc.boolean()), { maxLength: 80 }),
        fc.boolean(),
        fc.nat(3),
        (given, some, shift) => {
          const columns = columnsOf(
            given.map(([one]) => one),
            shift,
          );
          const counts = some ? Uint8Array.from(given, ([, does]) => (does ? 1 : 0)) : null;
          expect(foldUsage(columns, counts)).toEqual(naiveFold(columns, counts));
        },
      ),
      { numRuns: 1_500 },
    );
  });

  test('counts the first of a key alone, and of those that count where some do not', () => {
    const twice = columnsOf([
      { key: 1, series: 0, amount: 5n, at: T0 },
      { key: 1, series: 0, amount: 7n, at: T0 + 1 },
    ]);
    expect(foldUsage(twice)).toMatchObject([{ sum: 5n, count: 1, last: 5n, lastAt: T0 }]);
    expect(foldUsage(twice, Uint8Array.of(0, 1))).toMatchObject([{ sum: 7n, count: 1 }]);
    expect(foldUsage(twice, Uint8Array.of(0, 0))).toEqual([]);
  });

  test('is last of the greatest key among pulses of the same instant', () => {
    const [low, high] = [0, 4].map((key) => ({ key, series: 0, amount: BigInt(key), at: T0 }));
    for (const order of [
      [low, high],
      [high, low],
    ]) {
      const columns = columnsOf(order.flatMap((one) => (one === undefined ? [] : [one])));
      expect(foldUsage(columns)).toMatchObject([{ last: 4n, lastKey: `02${'0'.repeat(30)}` }]);
    }
  });

  test('of no pulses is none', () => {
    expect(foldUsage(columnsOf([]))).toEqual([]);
  });
});
