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

/** One step of how a line was reckoned. */
export interface ChargeStep {
  /** `graduated tier 2`, `package`, `free units`, `minimum`, `discount`, …: stable, machine-readable kind. */
  readonly kind:
    | 'free_units'
    | 'conversion'
    | 'flat'
    | 'per_unit'
    | 'tier'
    | 'tier_flat'
    | 'package'
    | 'discount'
    | 'minimum'
    | 'maximum';
  /** Amount that this step prices (units, packages), where it prices any. */
  readonly quantity: Decimal | null;
  readonly unitPrice: Decimal | null;
  /** What the step adds to the line; negative for discounts. Not rounded. */
  readonly amount: Decimal;
  /** 1-based, of a tier. */
  readonly tier: number | null;
}

/** A line as the pricing rules give it, before it has an identity. */
export interface PricedLine {
  /** As metered. */
  readonly quantity: Decimal;
  readonly steps: readonly ChargeStep[];
  /** Exact. */
  readonly precise: Decimal;
  /** Rounded once, half up, to the currency's digits. */
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
  /** The way back: pulses counted in the usage windows behind the quantity. */
  readonly pulses: number;
  /** Of an adjustment: the final period that it corrects. */
  readonly adjusts: BillingPeriod | null;
}

/** Usage that no contract or price covers (yet). It is priced by itself once one does. */
export interface UnpricedUsage {
  readonly series: UsageSeries;
  /** `[from, to)`: the first and the end of the last usage window concerned. */
  readonly from: number;
  readonly to: number;
  readonly quantity: Decimal;
  readonly pulses: number;
  readonly reason: 'no_contract' | 'no_price' | 'amount_too_large';
}
