/** Reckons every example of docs/metering/pricing.md, so that the page can not be wrong. */
import { describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { examplesOf, PRICING_PAGE, type Row } from '../../../test/support/pricing-page.ts';
import { type Decimal, formatDecimal, parseDecimal } from '../counting/decimal.ts';
import { formatShortest } from '../counting/exact-decimal.ts';
import type { BodyRead } from './body-reader.ts';
import type { BillingPeriod, Charge } from './charge.ts';
import { adjustments } from './charge-adjustment.ts';
import type { Contract, ListPrice } from './contract.ts';
import { readContractBody, readListPriceBody } from './contract-fields.ts';
import { priceLine } from './price-line.ts';
import { AMOUNT_SCALE } from './pulse.ts';
import { planRating, rateGaps, ratePeriod, type SeriesUsage } from './rating.ts';
import { statementOf } from './statement.ts';
import { USAGE_WINDOW_MS, usageWindowOf } from './usage.ts';
import { usageBounds } from './usage-bounds.ts';

const examples = examplesOf(PRICING_PAGE);
const ofKind = (kind: string) => examples.filter((example) => example.kind === kind);
const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
const read = (text: string): Decimal => {
  const decimal = parseDecimal(text);
  if (decimal === null) throw new Error(`${text} is no decimal`);
  return decimal;
};
const fieldsOf = <T>(body: BodyRead<T>): T => {
  if (body.kind === 'invalid') throw new Error(JSON.stringify(body.problems));
  return body.value;
};
const instant = (at: number): string => new Date(at).toISOString().replace('.000Z', 'Z');
const PERIOD: BillingPeriod = { tenant: 'acme', contract: 'c', from: 0, to: 1 };

test('the page has its examples, each with a block and tables', () => {
  const kinds = examples.map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind === 'price')).toHaveLength(10);
  expect(kinds.filter((kind) => kind === 'rating')).toHaveLength(3);
  expect(kinds.filter((kind) => kind !== 'price' && kind !== 'rating')).toEqual([
    'days',
    'adjustments',
  ]);
  const tables = examples.flatMap((example) => example.tables);
  const lines = PRICING_PAGE.split('\n').filter((line) => line.startsWith('|'));
  // Each table has a line of names and one of dashes.
  expect(tables.flat()).toHaveLength(lines.length - 2 * tables.length);
  expect(examples.every((example) => example.tables.flat().length > 1)).toBe(true);
});

describe('prices', () => {
  test.each(ofKind('price').map((example) => [example.title, example] as const))(
    '%s',
    (_, example) => {
      const price = listPriceOf(example.body);
      const reckoned = example.tables.flat().map(({ usage = '' }): Row => {
        const charge = chargeOf(price, usage);
        const [period] = statementOf({
          tenant: 'acme',
          from: 0,
          to: 1,
          periods: [{ ...PERIOD, state: 'open' }],
          charges: [charge],
          unpriced: [],
        }).periods;
        const steps = period?.lines[0]?.steps.map(
          ({ words, amount }) => `${words} = ${formatShortest(amount)}`,
        );
        return {
          usage,
          steps: steps?.join('; ') ?? '',
          exact: formatShortest(charge.precise),
          charge: formatDecimal(charge.rounded),
        };
      });
      expect(reckoned).toEqual([...example.tables.flat()]);
    },
  );
});

describe('rating', () => {
  test.each(ofKind('rating').map((example) => [example.title, example] as const))(
    '%s',
    (_, example) => {
      const body = example.body as { contracts: readonly object[]; prices: readonly object[] };
      const contracts = body.contracts.map((each): Contract => {
        const { expectedVersion: __, ...fields } = fieldsOf(readContractBody(each, 'create'));
        return { ...fields, id: fields.id ?? '', version: 1, createdAt: 0 };
      });
      const listPrices = body.prices.map(listPriceOf);
      const [pulses = [], charges = [], unpriced = []] = example.tables;
      const times = pulses.map((pulse) => Date.parse(pulse['occurred at'] ?? ''));
      const [first, last] = [usageWindowOf(Math.min(...times)), usageWindowOf(Math.max(...times))];
      const terms = { tenant: 'acme', contracts, listPrices };
      const plan = planRating(terms, first, last + USAGE_WINDOW_MS);
      const usage = usageOf(pulses, plan.bounds);
      const ratings = plan.periods.map(({ period, contract }) =>
        ratePeriod(period, contract, listPrices, usage, digest),
      );
      const rated = ratings.flatMap((rating) => rating.charges);
      expect(
        rated.map(
          ({ period, from, to, series, quantity, pulses: count, rounded }): Row => ({
            contract: period.contract,
            from: instant(from),
            to: instant(to),
            sku: series.sku,
            usage: formatShortest(quantity),
            pulses: String(count),
            charge: formatDecimal(rounded),
          }),
        ),
      ).toEqual([...charges]);
      const left = [
        ...ratings.flatMap((rating) => rating.unpriced),
        ...rateGaps(plan, 'acme', usage),
      ];
      expect(
        left.map(
          ({ from, reason, series, quantity, pulses: count }): Row => ({
            unpriced: instant(from),
            reason,
            sku: series.sku,
            usage: formatShortest(quantity),
            pulses: String(count),
          }),
        ),
      ).toEqual([...unpriced]);
    },
  );
});

test.each(ofKind('days'))('days of $title', ({ body, tables }) => {
  const { timeZone } = body as { timeZone: string };
  for (const { from = '', to = '', hours } of tables.flat()) {
    const around = [Date.parse(from) - 86_400_000, Date.parse(to) + 86_400_000] as const;
    const bounds = usageBounds(...around, 'P1D', timeZone) ?? [];
    const at = bounds.indexOf(Date.parse(from));
    expect([instant(bounds[at] ?? 0), instant(bounds[at + 1] ?? 0)]).toEqual([from, to]);
    expect(hours).toBe(String(((bounds[at + 1] ?? 0) - (bounds[at] ?? 0)) / 3_600_000));
  }
});

test.each(ofKind('adjustments'))('adjustments under $title', ({ body, tables }) => {
  const price = listPriceOf(body);
  const charged: Charge[] = [];
  const reckoned = tables.flat().map(({ usage = '' }, index): Row => {
    const line = chargeOf(price, usage);
    const open = { ...PERIOD, from: index + 1, to: index + 2 };
    const adjusted = index === 0 ? [] : adjustments(open, PERIOD, charged, [line], digest);
    charged.push(...(index === 0 ? [line] : adjusted));
    const adjustment = adjusted.map(({ rounded }) => formatDecimal(rounded)).join();
    return { usage, line: formatDecimal(line.rounded), adjustment };
  });
  expect(reckoned).toEqual([...tables.flat()]);
});

function listPriceOf(body: unknown): ListPrice {
  const { expectedVersion: _, ...fields } = fieldsOf(readListPriceBody(body, 'create'));
  return { ...fields, id: fields.id ?? 'list', version: 1, createdAt: 0 };
}

function chargeOf(price: ListPrice, usage: string): Charge {
  const line = priceLine(price, read(usage));
  if (line === 'amount_too_large') throw new Error(line);
  return {
    ...line,
    id: '',
    kind: 'usage',
    period: PERIOD,
    series: { tenant: 'acme', sku: price.sku, unit: price.unit },
    from: PERIOD.from,
    to: PERIOD.to,
    price: { id: price.id, version: price.version },
    pulses: 1,
    adjusts: null,
  };
}

/** The pulses of a table as a store adds them up: window by window, and those in the bounds asked for. */
function usageOf(pulses: readonly Row[], bounds: readonly number[]): readonly SeriesUsage[] {
  return pulses.map((pulse): SeriesUsage => {
    const { sku = '', unit = '', amount = '' } = pulse;
    const window = usageWindowOf(Date.parse(pulse['occurred at'] ?? ''));
    const at = bounds.findLastIndex((bound) => bound <= window);
    const { mantissa, scale } = read(amount);
    return {
      series: { tenant: 'acme', sku, unit },
      start: bounds[at] ?? 0,
      end: bounds[at + 1] ?? 0,
      sum: mantissa * 10n ** BigInt(AMOUNT_SCALE - scale),
      count: 1,
    };
  });
}
