/** Writes charges, periods and differences as the API shows them: every amount an exact decimal in a text. */
import type { Statement as StatementJson } from '../../../web/statement/statement.ts';
import { type Decimal, formatDecimal } from '../../domain/counting/decimal.ts';
import { formatShortest, roundedHalfUp } from '../../domain/counting/exact-decimal.ts';
import type {
  BillingPeriod,
  Charge,
  ChargeStep,
  UnpricedUsage,
} from '../../domain/metering/charge.ts';
import { currencyExponent } from '../../domain/metering/currency.ts';
import type { RerateDifference } from '../../domain/metering/rating-difference.ts';
import type { Statement, StatementLine } from '../../domain/metering/statement.ts';
import { rfc3339Of } from '../../domain/voting/rfc3339.ts';
import type { PeriodRecord, ThresholdEvent } from '../../ports/rating-book.ts';
import { timeOrNull } from './poll-json.ts';

export function chargeJson(charge: Charge) {
  const { series, price } = charge;
  return {
    id: charge.id,
    kind: charge.kind,
    ...series,
    ...spanJson(charge),
    period: periodJson(charge.period),
    price: { id: price.id, version: price.version },
    quantity: formatShortest(charge.quantity),
    pulses: charge.pulses,
    steps: charge.steps.map(stepJson),
    precise: formatShortest(charge.precise),
    rounded: formatDecimal(charge.rounded),
    currency: charge.currency,
    adjusts: charge.adjusts === null ? null : periodJson(charge.adjusts),
    usage: usagePath(charge),
  };
}

/** Where the windows behind the quantity are read: the way back. */
function usagePath({ series, from, to }: Charge): string {
  const { tenant, sku, unit } = series;
  const query = new URLSearchParams({ tenant, sku, unit, ...spanJson({ from, to }) });
  return `/v1/usage?${query}`;
}

function stepJson({ kind, quantity, unitPrice, tier, amount }: ChargeStep) {
  return {
    kind,
    quantity: quantity === null ? null : formatShortest(quantity),
    unitPrice: unitPrice === null ? null : formatShortest(unitPrice),
    tier,
    amount: formatShortest(amount),
  };
}

function periodJson({ contract, from, to }: BillingPeriod) {
  return { contract, ...spanJson({ from, to }) };
}

function spanJson({ from, to }: { readonly from: number; readonly to: number }) {
  return { from: rfc3339Of(from), to: rfc3339Of(to) };
}

export function unpricedJson({ series, quantity, pulses, reason, ...span }: UnpricedUsage) {
  return { ...series, ...spanJson(span), quantity: formatShortest(quantity), pulses, reason };
}

export function periodRecordJson({ tenant, state, finalAt, ...period }: PeriodRecord) {
  return { tenant, ...periodJson({ tenant, ...period }), state, finalAt: timeOrNull(finalAt) };
}

export function thresholdEventJson(event: ThresholdEvent) {
  const { threshold, tenant, sku, unit, thresholdAmount, amount } = event;
  const [period, at] = [periodJson(event.period), rfc3339Of(event.at)];
  return { threshold, tenant, sku, unit, period, thresholdAmount, amount, at };
}

export function differenceJson({ lines, totals }: RerateDifference) {
  return {
    lines: lines.map(({ before, after, currency, difference }) => ({
      before: before === null ? null : chargeJson(before),
      after: after === null ? null : chargeJson(after),
      currency,
      difference: moneyText(difference, currency),
    })),
    totals: totals.map(({ currency, before, after, difference }) => ({
      currency,
      before: moneyText(before, currency),
      after: moneyText(after, currency),
      difference: moneyText(difference, currency),
    })),
  };
}

/** With the digits that the currency is paid with: sums of rounded amounts have no more. */
function moneyText(amount: Decimal, currency: string): string {
  const digits = Math.max(amount.scale, currencyExponent(currency) ?? 0);
  return formatDecimal(roundedHalfUp(amount, digits));
}

/** `zones`: the time zone of each contract that the statement has a period of, by the contract's id. */
export function statementJson(
  statement: Statement,
  zones: ReadonlyMap<string, string>,
  now: number,
): StatementJson {
  const totals = (of: Statement['totals']) =>
    of.map(({ currency, amount, lines }) => ({ currency, amount: formatDecimal(amount), lines }));
  return {
    tenant: statement.tenant,
    ...spanJson(statement),
    final: statement.isFinal,
    periods: statement.periods.map(({ period, state, lines, totals: sums }) => ({
      ...periodJson(period),
      timeZone: zones.get(period.contract) ?? 'UTC',
      state,
      lines: lines.map(lineJson),
      totals: totals(sums),
    })),
    totals: totals(statement.totals),
    unpriced: statement.unpriced.map(unpricedJson),
    generatedAt: rfc3339Of(now),
  };
}

function lineJson(line: StatementLine) {
  return {
    ...chargeJson(line),
    steps: line.steps.map((step) => ({
      ...stepJson(step),
      words: step.words,
      subtotal: formatShortest(step.subtotal),
    })),
  };
}
