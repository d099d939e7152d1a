import { describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { type Decimal, formatDecimal, parseDecimal, ZERO } from '../counting/decimal.ts';
import { exactSum } from '../counting/exact-decimal.ts';
import type { BillingPeriod, Charge, UnpricedUsage } from './charge.ts';
import { adjustments } from './charge-adjustment.ts';
import { adjustmentId, usageChargeId } from './charge-id.ts';
import { decodeCharge, encodeCharge } from './charge-record.ts';
import type { Contract, ListPrice } from './contract.ts';
import { overlappingContract, overlappingPrice, overlaps } from './contract-overlap.ts';
import type { Price } from './price.ts';
import { AMOUNT_SCALE } from './pulse.ts';
import { planRating, rateGaps, ratePeriod, type SeriesUsage } from './rating.ts';
import { rerateDifference } from './rating-difference.ts';

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
const at = (text: string): number => Date.parse(`${text}T00:00:00Z`);
const read = (text: string): Decimal => {
  const decimal = parseDecimal(text);
  if (decimal === null) throw new Error(`${text} is no decimal`);
  return decimal;
};
const sumOf = (text: string): bigint => {
  const { mantissa, scale } = read(text);
  return mantissa * 10n ** BigInt(AMOUNT_SCALE - scale);
};

const priceOf = (sku: string, unitPrice: string, more: Partial<Price> = {}): Price => ({
  sku,
  unit: 'GiB',
  currency: 'EUR',
  model: { model: 'per_unit', unitPrice: read(unitPrice) },
  conversion: null,
  freeUnits: ZERO,
  minimum: null,
  maximum: null,
  discountPercent: ZERO,
  ...more,
});
const listed = (
  id: string,
  price: Price,
  validFrom: string,
  validTo: string | null = null,
): ListPrice => ({
  ...price,
  id,
  validFrom: at(validFrom),
  validTo: validTo === null ? null : at(validTo),
  version: 3,
  createdAt: 0,
});
const contractOf = (id: string, more: Partial<Contract> = {}): Contract => ({
  id,
  tenant: 'acme',
  currency: 'EUR',
  validFrom: at('2026-01-01'),
  validTo: null,
  timeZone: 'UTC',
  graceMs: 0,
  prices: [],
  version: 7,
  createdAt: 0,
  ...more,
});
const used = (sku: string, from: string, to: string, amount: string, count = 1): SeriesUsage => ({
  series: { tenant: 'acme', sku, unit: 'GiB' },
  start: at(from),
  end: at(to),
  sum: sumOf(amount),
  count,
});

const MARCH: BillingPeriod = {
  tenant: 'acme',
  contract: 'gold',
  from: at('2026-03-01'),
  to: at('2026-04-01'),
};
const APRIL: BillingPeriod = { ...MARCH, from: at('2026-04-01'), to: at('2026-05-01') };
const rate = (contract: Contract, list: readonly ListPrice[], ...usage: readonly SeriesUsage[]) =>
  ratePeriod(MARCH, contract, list, usage, digest);
const day = (instant: number): string => new Date(instant).toISOString().slice(5, 10);
const told = ({ series, from, to, quantity, rounded, currency, price }: Charge): string =>
  `${series.sku} ${day(from)}/${day(to)} ${formatDecimal(quantity)} = ${formatDecimal(rounded)} ${currency} by ${price.id}@${price.version}`;
const untold = ({ series, from, to, quantity, pulses, reason }: UnpricedUsage): string =>
  `${series.sku} ${day(from)}/${day(to)} ${formatDecimal(quantity)} (${pulses}) ${reason}`;

describe('the price', () => {
  test('is the contract’s own where it has one, for the whole period', () => {
    const contract = contractOf('gold', { prices: [priceOf('disk', '2')] });
    const list = [listed('list', priceOf('disk', '5'), '2026-01-01')];
    const { charges } = rate(contract, list, used('disk', '2026-03-01', '2026-04-01', '10', 4));
    expect(charges.map(told)).toEqual(['disk 03-01/04-01 10 = 20.00 EUR by contract@7']);
    expect(charges[0]).toMatchObject({ kind: 'usage', period: MARCH, pulses: 4, adjusts: null });
  });

  test('is that of the list in the contract’s currency and unit otherwise', () => {
    const list = [
      listed('dollars', priceOf('disk', '5', { currency: 'USD' }), '2026-01-01'),
      listed('hours', priceOf('disk', '7', { unit: 'h' }), '2026-01-01'),
      listed('other', priceOf('net', '8'), '2026-01-01'),
      listed('euros', priceOf('disk', '4'), '2026-01-01'),
    ];
    const { charges } = rate(
      contractOf('gold'),
      list,
      used('disk', '2026-03-01', '2026-04-01', '2'),
    );
    expect(charges.map(told)).toEqual(['disk 03-01/04-01 2 = 8.00 EUR by euros@3']);
  });

  test('that changes within the period makes a line on each side, by the time of the usage', () => {
    const list = [
      listed('new', priceOf('disk', '5'), '2026-03-15'),
      listed('old', priceOf('disk', '4', { freeUnits: read('1') }), '2026-01-01', '2026-03-15'),
    ];
    const { charges } = rate(
      contractOf('gold'),
      list,
      used('disk', '2026-03-15', '2026-04-01', '10'),
      used('disk', '2026-03-01', '2026-03-10', '2'),
      used('disk', '2026-03-10', '2026-03-15', '1'),
    );
    expect(charges.map(told)).toEqual([
      'disk 03-01/03-15 3 = 8.00 EUR by old@3',
      'disk 03-15/04-01 10 = 50.00 EUR by new@3',
    ]);
  });

  test('counts tiers and free units anew in each segment', () => {
    const model = {
      model: 'tiered' as const,
      tiersMode: 'graduated' as const,
      tiers: [
        { upTo: read('10'), unitPrice: read('2'), flatPrice: ZERO },
        { upTo: null, unitPrice: read('1'), flatPrice: ZERO },
      ],
    };
    const list = [
      listed('old', priceOf('disk', '0', { model }), '2026-01-01', '2026-03-15'),
      listed('new', priceOf('disk', '0', { model }), '2026-03-15'),
    ];
    const { charges } = rate(
      contractOf('gold'),
      list,
      used('disk', '2026-03-01', '2026-03-15', '10'),
      used('disk', '2026-03-15', '2026-04-01', '10'),
    );
    expect(charges.map((charge) => formatDecimal(charge.rounded))).toEqual(['20.00', '20.00']);
  });

  test('that is missing for a time leaves that usage unpriced, and no other', () => {
    const list = [
      listed('a', priceOf('disk', '1'), '2026-03-05', '2026-03-10'),
      listed('b', priceOf('disk', '1'), '2026-03-20', '2026-03-25'),
    ];
    const days = ['01', '05', '10', '20', '25'];
    const usage = days.map((start, index) =>
      used(
        'disk',
        `2026-03-${start}`,
        index === 4 ? '2026-04-01' : `2026-03-${days[index + 1]}`,
        '1',
      ),
    );
    const { charges, unpriced } = rate(contractOf('gold'), list, ...usage);
    expect(charges.map(told)).toEqual([
      'disk 03-05/03-10 1 = 1.00 EUR by a@3',
      'disk 03-20/03-25 1 = 1.00 EUR by b@3',
    ]);
    expect(unpriced.map(untold)).toEqual([
      'disk 03-01/03-05 1 (1) no_price',
      'disk 03-10/03-20 1 (1) no_price',
      'disk 03-25/04-01 1 (1) no_price',
    ]);
  });
});

describe('a line', () => {
  test('is there without usage only for a minimum in the contract', () => {
    const prices = [priceOf('disk', '1', { minimum: read('25') }), priceOf('net', '1')];
    const list = [listed('list', priceOf('cpu', '1', { minimum: read('9') }), '2026-01-01')];
    const { charges, unpriced } = rate(contractOf('gold', { prices }), list);
    expect(charges.map(told)).toEqual(['disk 03-01/04-01 0 = 25.00 EUR by contract@7']);
    expect(charges[0]?.pulses).toBe(0);
    expect(unpriced).toEqual([]);
  });

  test('owes no minimum of the list in a segment without usage, and the whole of it in one with', () => {
    const minimum = { minimum: read('9') };
    const list = [
      listed('old', priceOf('disk', '1', minimum), '2026-01-01', '2026-03-15'),
      listed('new', priceOf('disk', '1', minimum), '2026-03-15'),
    ];
    const { charges } = rate(
      contractOf('gold'),
      list,
      used('disk', '2026-03-01', '2026-03-15', '2'),
    );
    expect(charges.map(told)).toEqual(['disk 03-01/03-15 2 = 9.00 EUR by old@3']);
  });

  test('is there for usage that comes to nothing', () => {
    const contract = contractOf('gold', { prices: [priceOf('disk', '1')] });
    const { charges } = rate(contract, [], used('disk', '2026-03-01', '2026-04-01', '0', 2));
    expect(charges.map(told)).toEqual(['disk 03-01/04-01 0 = 0.00 EUR by contract@7']);
  });

  test('that is too large is kept as unpriced', () => {
    const contract = contractOf('gold', { prices: [priceOf('disk', '1')] });
    const vast = { ...used('disk', '2026-03-01', '2026-04-01', '0', 9), sum: 10n ** 57n };
    const { charges, unpriced } = rate(contract, [], vast);
    expect(charges).toEqual([]);
    expect(unpriced.map(untold)).toEqual([
      `disk 03-01/04-01 1${'0'.repeat(39)} (9) amount_too_large`,
    ]);
  });

  test('takes only what lies in the period, of the tenant, and adds partitions up', () => {
    const contract = contractOf('gold', { prices: [priceOf('disk', '1')] });
    const foreign = used('disk', '2026-03-01', '2026-04-01', '500');
    const { charges } = rate(
      contract,
      [],
      used('disk', '2026-02-01', '2026-03-01', '100'),
      used('disk', '2026-03-01', '2026-03-02', '1.5', 2),
      used('disk', '2026-03-01', '2026-03-02', '0.25', 3),
      used('disk', '2026-04-01', '2026-05-01', '100'),
      { ...foreign, series: { ...foreign.series, tenant: 'other' } },
    );
    expect(charges.map(told)).toEqual(['disk 03-01/04-01 1.75 = 1.75 EUR by contract@7']);
    expect(charges[0]?.pulses).toBe(5);
  });

  test('can not be made of usage that lies over the edge of a segment', () => {
    const list = [
      listed('old', priceOf('disk', '4'), '2026-01-01', '2026-03-15'),
      listed('new', priceOf('disk', '5'), '2026-03-15'),
    ];
    const over = used('disk', '2026-03-14', '2026-03-16', '1');
    expect(() => rate(contractOf('gold'), list, over)).toThrow(RangeError);
    const before = used('disk', '2026-02-14', '2026-03-02', '1');
    expect(() => rate(contractOf('gold'), list, before)).toThrow(RangeError);
  });

  test('stands in the order of product, unit and time, whatever order usage comes in', () => {
    const prices = ['é', 'a', '😀', 'b'].map((sku) => priceOf(sku, '1', { minimum: ZERO }));
    const { charges } = rate(contractOf('gold', { prices }), []);
    expect(charges.map(({ series }) => series.sku)).toEqual(['a', 'b', 'é', '😀']);
  });
});

describe('ids', () => {
  const series = { tenant: 'acme', sku: 'disk', unit: 'GiB' };

  test('are the same in every reckoning of the same line', () => {
    const id = usageChargeId(MARCH, series, MARCH.from, digest);
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    const cut = { ...MARCH, to: at('2026-03-20') };
    expect(usageChargeId(cut, { ...series }, MARCH.from, digest)).toBe(id);
    const contract = contractOf('gold', { prices: [priceOf('disk', '1')] });
    const dearer = contractOf('gold', { prices: [priceOf('disk', '9')], version: 8 });
    const [first] = rate(contract, [], used('disk', '2026-03-01', '2026-04-01', '1')).charges;
    const [later] = rate(dearer, [], used('disk', '2026-03-01', '2026-04-01', '2')).charges;
    expect([first?.id, later?.id]).toEqual([id, id]);
  });

  test('are never those of another line', () => {
    const line = { series, from: MARCH.from, currency: 'EUR' };
    const ids = [
      usageChargeId(MARCH, series, MARCH.from, digest),
      usageChargeId(MARCH, series, MARCH.from + 900_000, digest),
      usageChargeId(APRIL, series, MARCH.from, digest),
      usageChargeId({ ...MARCH, contract: 'silver' }, series, MARCH.from, digest),
      usageChargeId({ ...MARCH, tenant: 'other' }, series, MARCH.from, digest),
      usageChargeId(MARCH, { ...series, sku: 'diskG', unit: 'iB' }, MARCH.from, digest),
      adjustmentId(MARCH, APRIL, line, digest),
      adjustmentId(APRIL, MARCH, line, digest),
      adjustmentId(APRIL, MARCH, { ...line, currency: 'USD' }, digest),
      adjustmentId(APRIL, MARCH, { ...line, from: 0 }, digest),
      adjustmentId(APRIL, MARCH, { ...line, series: { ...series, unit: 'h' } }, digest),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('a plan', () => {
  const terms = {
    tenant: 'acme',
    contracts: [
      contractOf('second', { validFrom: at('2026-03-20'), timeZone: 'Europe/Paris' }),
      contractOf('first', { validFrom: at('2026-02-10'), validTo: at('2026-03-10') }),
    ],
    listPrices: [
      listed('list', priceOf('disk', '1'), '2026-02-20', '2026-03-25'),
      listed('later', priceOf('disk', '1'), '2030-01-01'),
    ],
  };
  const plan = planRating(terms, at('2026-02-05'), at('2026-03-21'));

  test('names the periods of every contract, whole, and the gaps between', () => {
    const spans = plan.periods.map(({ period: { contract, from, to } }) => {
      return `${contract} ${day(from)}/${day(to)}`;
    });
    expect(spans).toEqual(['first 02-10/03-01', 'first 03-01/03-10', 'second 03-20/03-31']);
    expect(plan.gaps.map(({ from, to }) => `${day(from)}/${day(to)}`)).toEqual([
      '02-05/02-10',
      '03-10/03-20',
    ]);
    expect([plan.from, plan.to]).toEqual([at('2026-02-05'), Date.parse('2026-03-31T22:00Z')]);
  });

  test('asks for usage in windows that fit every segment and gap', () => {
    expect(plan.bounds.map(day)).toEqual([
      '02-05',
      '02-10',
      '02-20',
      '03-01',
      '03-10',
      '03-20',
      '03-25',
      '03-31',
    ]);
    const usage = plan.bounds.slice(1).map((end, index): SeriesUsage => {
      const start = plan.bounds[index] ?? 0;
      return { ...used('disk', '2026-03-01', '2026-04-01', '1'), start, end };
    });
    const rated = plan.periods.map(({ period, contract }) =>
      ratePeriod(period, contract, terms.listPrices, usage, digest),
    );
    expect(rated.flatMap(({ charges }) => charges.map(told))).toEqual([
      'disk 02-20/03-01 1 = 1.00 EUR by list@3',
      'disk 03-01/03-10 1 = 1.00 EUR by list@3',
      'disk 03-20/03-25 1 = 1.00 EUR by list@3',
    ]);
    expect(rated.flatMap(({ unpriced }) => unpriced.map(untold))).toEqual([
      'disk 02-10/02-20 1 (1) no_price',
      'disk 03-25/03-31 1 (1) no_price',
    ]);
    expect(rateGaps(plan, 'acme', usage).map(untold)).toEqual([
      'disk 02-05/02-10 1 (1) no_contract',
      'disk 03-10/03-20 1 (1) no_contract',
    ]);
    expect(rateGaps(plan, 'other', usage)).toEqual([]);
  });

  test('without a contract is one gap, and without time nothing', () => {
    const none = planRating({ ...terms, contracts: [] }, 0, 900_000);
    expect(none).toEqual({
      from: 0,
      to: 900_000,
      periods: [],
      gaps: [{ from: 0, to: 900_000 }],
      bounds: [0, 900_000],
    });
  });

  test('ends with the last period where the question does', () => {
    const open = { ...terms, contracts: [contractOf('gold')] };
    expect(planRating(open, at('2026-03-02'), at('2026-03-03'))).toMatchObject({
      from: MARCH.from,
      to: MARCH.to,
      gaps: [],
    });
  });
});

test('whatever prices hold when, all usage is charged once or named as unpriced', () => {
  const edges = fc.uniqueArray(fc.integer({ min: 1, max: 58 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(
      edges.map((list) => list.sort((a, b) => a - b)),
      fc.array(fc.record({ hour: fc.nat(59), amount: fc.integer({ min: -50, max: 500 }) })),
      fc.boolean(),
      (cuts, pulses, hasContract) => {
        const from = at('2026-03-01');
        const instant = (step: number) => from + step * 86_400_000;
        const listPrices = cuts.slice(1).flatMap((end, index): ListPrice[] => {
          const start = cuts[index] ?? 0;
          if (index % 3 === 2) return [];
          const price = listed(`p${index}`, priceOf('disk', '1'), '2026-01-01');
          return [{ ...price, validFrom: instant(start), validTo: instant(end) }];
        });
        const validity = { validFrom: instant(3), validTo: instant(50) };
        const contracts = hasContract ? [contractOf('gold', validity)] : [];
        const plan = planRating({ tenant: 'acme', contracts, listPrices }, from, instant(60));
        const usage = plan.bounds.slice(1).flatMap((end, index): SeriesUsage[] => {
          const start = plan.bounds[index] ?? 0;
          const within = pulses.filter(({ hour }) => instant(hour) >= start && instant(hour) < end);
          if (within.length === 0) return [];
          const sum = within.reduce((all, { amount }) => all + BigInt(amount), 0n);
          const row = used('disk', '2026-03-01', '2026-03-02', '0', within.length);
          return [{ ...row, start, end, sum: sum * 10n ** BigInt(AMOUNT_SCALE) }];
        });
        const ratings = plan.periods.map(({ period, contract }) =>
          ratePeriod(period, contract, listPrices, usage, digest),
        );
        const lines = [
          ...ratings.flatMap(({ charges, unpriced }) => [...charges, ...unpriced]),
          ...rateGaps(plan, 'acme', usage),
        ];
        const total = pulses.reduce((all, { amount }) => all + BigInt(amount), 0n);
        expect(exactSum(...lines.map(({ quantity }) => quantity)).mantissa).toBe(total);
        expect(lines.reduce((all, line) => all + line.pulses, 0)).toBe(pulses.length);
        const ids = ratings.flatMap(({ charges }) => charges.map(({ id }) => id));
        expect(new Set(ids).size).toBe(ids.length);
        const shuffled = ratePeriodsAgain(plan, listPrices, usage);
        expect(shuffled).toEqual(ratings.flatMap(({ charges }) => [...charges]));
      },
    ),
  );

  function ratePeriodsAgain(
    plan: ReturnType<typeof planRating>,
    listPrices: readonly ListPrice[],
    usage: readonly SeriesUsage[],
  ): readonly Charge[] {
    return plan.periods.flatMap(({ period, contract }) => [
      ...ratePeriod(period, contract, listPrices.toReversed(), usage.toReversed(), digest).charges,
    ]);
  }
});

describe('adjustments of a final period', () => {
  const price = priceOf('disk', '0.4', { freeUnits: read('1'), minimum: read('1') });
  const contract = contractOf('gold', { prices: [price] });
  const of = (amount: string, count = 1) =>
    rate(contract, [], used('disk', '2026-03-01', '2026-04-01', amount, count)).charges;
  const MAY: BillingPeriod = { ...APRIL, from: at('2026-05-01'), to: at('2026-06-01') };

  test('are none where nothing has changed', () => {
    expect(adjustments(APRIL, MARCH, of('5'), of('5'), digest)).toEqual([]);
  });

  test('charge the difference in the open period, reckoned over the whole line', () => {
    const [adjustment, ...more] = adjustments(APRIL, MARCH, of('2'), of('11', 3), digest);
    expect(more).toEqual([]);
    expect(adjustment).toMatchObject({
      kind: 'adjustment',
      period: APRIL,
      adjusts: MARCH,
      from: MARCH.from,
      to: MARCH.to,
      quantity: read('9'),
      rounded: read('3.00'),
      precise: read('3'),
      pulses: 2,
      currency: 'EUR',
    });
    const last = adjustment?.steps.at(-1);
    expect(last).toEqual({
      kind: 'charged_before',
      quantity: null,
      unitPrice: null,
      amount: read('-1'),
      tier: null,
    });
    expect(exactSum(...(adjustment?.steps ?? []).map(({ amount }) => amount))).toEqual(read('3'));
  });

  test('give money back', () => {
    const [adjustment] = adjustments(APRIL, MARCH, of('11'), of('6'), digest);
    expect(formatDecimal(adjustment?.rounded ?? ZERO)).toBe('-2.00');
  });

  test('of usage that moves no amount show the usage', () => {
    const [adjustment] = adjustments(APRIL, MARCH, of('2'), of('3'), digest);
    expect(adjustment).toMatchObject({ quantity: read('1'), rounded: read('0.00') });
    const [counted] = adjustments(APRIL, MARCH, of('2', 1), of('2', 4), digest);
    expect(counted?.pulses).toBe(3);
  });

  test('reckon with the adjustments of other periods, so that nothing is charged twice', () => {
    const first = adjustments(APRIL, MARCH, of('5'), of('8'), digest);
    const second = adjustments(MAY, MARCH, [...of('5'), ...first], of('9'), digest);
    expect(second.map(({ rounded }) => formatDecimal(rounded))).toEqual(['0.40']);
    expect(second[0]?.id).not.toBe(first[0]?.id);
    expect(adjustments(MAY, MARCH, [...of('5'), ...first, ...second], of('9'), digest)).toEqual([]);
  });

  test('of pulses that were voided count them off, and stand so in a store', () => {
    const [adjustment] = adjustments(
      APRIL,
      MARCH,
      of('11.000000000000000001', 5),
      of('2', 1),
      digest,
    );
    expect(adjustment?.pulses).toBe(-4);
    if (adjustment !== undefined) {
      expect(decodeCharge(encodeCharge(adjustment))).toEqual(adjustment);
    }
  });

  test('are the same in every reckoning of the open period', () => {
    const once = adjustments(APRIL, MARCH, of('5'), of('8'), digest);
    expect(adjustments(APRIL, MARCH, of('5'), of('8'), digest)).toEqual(once);
  });

  test('take back a line that is gone, and charge one that is new', () => {
    const dollars = of('8').map((charge) => ({ ...charge, currency: 'USD' }));
    const moved = adjustments(APRIL, MARCH, of('8'), dollars, digest);
    expect(moved.map(told)).toEqual([
      'disk 03-01/04-01 8 = 2.80 USD by contract@7',
      'disk 03-01/04-01 -8 = -2.80 EUR by contract@7',
    ]);
    expect(moved[0]?.steps.some(({ kind }) => kind === 'charged_before')).toBe(false);
    expect(moved[1]?.steps.map(({ kind }) => kind)).toEqual(['charged_before']);
  });

  test('and what was charged make up what a right first reckoning would have charged', () => {
    const amounts = fc
      .integer({ min: -1_000, max: 100_000 })
      .map((each) => (each / 1_000).toFixed(3));
    fc.assert(
      fc.property(fc.array(amounts, { minLength: 2, maxLength: 6 }), (reckonings) => {
        const charged = [...of(reckonings[0] ?? '0')];
        for (const [index, amount] of reckonings.slice(1).entries()) {
          const open = { ...APRIL, from: APRIL.from + index };
          charged.push(...adjustments(open, MARCH, charged, of(amount), digest));
        }
        const right = of(reckonings.at(-1) ?? '0');
        for (const field of ['quantity', 'rounded'] as const) {
          expect(exactSum(...charged.map((charge) => charge[field]))).toEqual(
            exactSum(...right.map((charge) => charge[field])),
          );
        }
        expect(charged.reduce((sum, { pulses }) => sum + pulses, 0)).toBe(1);
      }),
    );
  });
});

describe('the difference of a re-rating', () => {
  const rated = (unitPrice: string, amount = '10') =>
    rate(
      contractOf('gold', { prices: [priceOf('disk', unitPrice)] }),
      [listed('list', priceOf('net', '1'), '2026-01-01')],
      used('disk', '2026-03-01', '2026-04-01', amount),
      used('net', '2026-03-01', '2026-04-01', '3'),
    ).charges;

  test('shows the lines that change, and what everything comes to', () => {
    const { lines, totals } = rerateDifference(rated('2'), rated('1.5'));
    expect(
      lines.map(({ before, after, difference, currency }) => [
        before && formatDecimal(before.rounded),
        after && formatDecimal(after.rounded),
        formatDecimal(difference),
        currency,
      ]),
    ).toEqual([['20.00', '15.00', '-5', 'EUR']]);
    expect(totals).toEqual([
      { currency: 'EUR', before: read('23'), after: read('18'), difference: read('-5') },
    ]);
  });

  test('is nothing where nothing changes', () => {
    expect(rerateDifference(rated('2'), rated('2')).lines).toEqual([]);
    expect(rerateDifference([], [])).toEqual({ lines: [], totals: [] });
  });

  test('shows a line whose way changes and whose amount does not', () => {
    const { lines } = rerateDifference(rated('2', '10'), rated('4', '5'));
    expect(lines).toHaveLength(1);
    expect(lines[0]?.difference).toEqual(ZERO);
  });

  test('shows lines that come and go, also into another currency', () => {
    const dollars = rated('2').map((charge) => ({ ...charge, currency: 'USD' }));
    const { lines, totals } = rerateDifference(rated('2'), dollars.slice(0, 1));
    expect(
      lines.map(({ before, after, difference }) => [
        before?.currency ?? null,
        after?.currency ?? null,
        formatDecimal(difference),
      ]),
    ).toEqual([
      [null, 'USD', '20'],
      ['EUR', null, '-20'],
      ['EUR', null, '-3'],
    ]);
    expect(totals.map(({ currency, difference }) => [currency, formatDecimal(difference)])).toEqual(
      [
        ['EUR', '-23'],
        ['USD', '20'],
      ],
    );
  });
});

describe('validities', () => {
  const span = (validFrom: number, validTo: number | null) => ({ validFrom, validTo });

  test.each([
    [span(0, 10), span(10, 20), false],
    [span(0, 11), span(10, 20), true],
    [span(0, null), span(10, 20), true],
    [span(20, null), span(10, 20), false],
    [span(0, null), span(5, null), true],
    [span(10, 20), span(0, 100), true],
  ])('%p and %p overlap: %p, from either side', (left, right, expected) => {
    expect([overlaps(left, right), overlaps(right, left)]).toEqual([expected, expected]);
  });

  test('of contracts matter within a tenant, and not against themselves', () => {
    const gold = contractOf('gold');
    const silver = contractOf('silver', { validFrom: at('2026-06-01') });
    const foreign = contractOf('foreign', { tenant: 'other' });
    expect(overlappingContract(gold, [gold, foreign])).toBeNull();
    expect(overlappingContract(gold, [gold, foreign, silver])).toBe(silver);
    const ended = { ...gold, validTo: silver.validFrom };
    expect(overlappingContract(ended, [gold, silver])).toBeNull();
  });

  test('of list prices matter within sku, unit and currency', () => {
    const own = listed('own', priceOf('disk', '1'), '2026-01-01');
    const others = [
      own,
      listed('a', priceOf('net', '1'), '2026-01-01'),
      listed('b', priceOf('disk', '1', { unit: 'h' }), '2026-01-01'),
      listed('c', priceOf('disk', '1', { currency: 'USD' }), '2026-01-01'),
      listed('d', priceOf('disk', '1'), '2025-01-01', '2026-01-01'),
    ];
    expect(overlappingPrice(own, others)).toBeNull();
    const rival = listed('rival', priceOf('disk', '1'), '2028-01-01');
    expect(overlappingPrice(own, [...others, rival])).toBe(rival);
  });
});
