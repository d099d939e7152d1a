/** Charges: what a tenant owes for usage in a billing period, with the way back to that usage. */
import type { Decimal } from '../counting/decimal.ts';
import type { UsageSeries } from './pulse.ts';

/**
 * - `open`: running; charges follow usage.
 * - `closing`: over, and waiting for late pulses.
 * - `final`: its charges never move again; what comes later is an adjustment in the next open period.
 */
export type BillingPeriodState = 'open' | 'closing' | 'final';

/** A calendar month of the contract's zone, cut to the contract's validity. */
export interface BillingPeriod {
  readonly tenant: string;
  readonly contract: string;
  /** `[from, to)`, ms since the Unix epoch. */
  readonly from: number;
  readonly to: number;
}

/**
 * - `conversion`: `quantity` is the amount in the unit that is priced. Adds nothing.
 * - `free_units`: `quantity` is what is taken off, as a negative number. Adds nothing.
 * - `flat`, `per_unit`, `tier`, `tier_flat`, `package`: what the model says.
 * - `discount`, `minimum`, `maximum`: what they move the line by.
 * - `charged_before`: of an adjustment: less what has been charged already.
 */
export const CHARGE_STEP_KINDS = [
  'conversion',
  'free_units',
  'flat',
  'per_unit',
  'tier',
  'tier_flat',
  'package',
  'discount',
  'minimum',
  'maximum',
  'charged_before',
] as const;
export type ChargeStepKind = (typeof CHARGE_STEP_KINDS)[number];

/** One step of how a line was reckoned. */
export interface ChargeStep {
  readonly kind: ChargeStepKind;
  /** Units or packages that this step is about, where it is about any. */
  readonly quantity: Decimal | null;
  readonly unitPrice: Decimal | null;
  /** What the step adds to the line; negative where it takes off. Exact, of any size. */
  readonly amount: Decimal;
  /** 1-based, of a tier. */
  readonly tier: number | null;
}

/** A line as the pricing rules give it, before it has an identity. */
export interface PricedLine {
  /** As metered, before any conversion. */
  readonly quantity: Decimal;
  readonly steps: readonly ChargeStep[];
  /** The sum of the steps. Exact: may have more digits than a decimal that is taken in. */
  readonly precise: Decimal;
  /**
   * Rounded once, half up, to the currency's digits. Of an adjustment: the difference of rounded amounts,
   * so that it and what was charged before make up what a right first reckoning would have charged.
   */
  readonly rounded: Decimal;
  readonly currency: string;
}

/**
 * - `usage`: the price of a series' usage in the period.
 * - `adjustment`: the difference that usage or prices make to a final period, charged in this one.
 */
export type ChargeKind = 'usage' | 'adjustment';

export interface Charge extends PricedLine {
  /** Stable: the same line of the same period has the same id in every reckoning. */
  readonly id: string;
  readonly kind: ChargeKind;
  readonly period: BillingPeriod;
  readonly series: UsageSeries;
  /** The part of the period in which this price held, `[from, to)`. */
  readonly from: number;
  readonly to: number;
  /** Where the price came from: `contract` or the id of a list price, and its version. */
  readonly price: { readonly id: string; readonly version: number };
  /**
   * The way back: pulses counted in the usage windows behind the quantity. Of an adjustment: how many more,
   * below 0 where pulses were voided.
   */
  readonly pulses: number;
  /** Of an adjustment: the final period that it corrects. */
  readonly adjusts: BillingPeriod | null;
}

/** Usage that no contract or price covers (yet). It is priced by itself once one does. */
export interface UnpricedUsage {
  readonly series: UsageSeries;
  /** `[from, to)`: where it lies, to the segment of its period; it need not fill it. */
  readonly from: number;
  readonly to: number;
  /** Of any size. */
  readonly quantity: Decimal;
  readonly pulses: number;
  readonly reason: 'no_contract' | 'no_price' | 'amount_too_large';
}
