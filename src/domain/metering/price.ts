/** Prices: what an amount of a product costs, in the models that contracts are written in. */
import type { Decimal } from '../counting/decimal.ts';

/** One step of a tiered price. Tiers ascend; each begins where the one before it ends. */
export interface PriceTier {
  /** The last amount that belongs to the tier (inclusive); null in the last tier alone. */
  readonly upTo: Decimal | null;
  readonly unitPrice: Decimal;
  /** Charged once when the tier is entered. */
  readonly flatPrice: Decimal;
}

/**
 * - `flat`: one price a billing period, if there was any usage.
 * - `per_unit`: amount × unit price.
 * - `tiered`: `graduated` prices each part of the amount in its tier, `volume` all of it in the tier
 *   that it reaches.
 * - `package`: started packages × package price: 0 → 0, 20 → 1, 20.1 → 2 of a package of 20.
 */
export type PriceModel =
  | { readonly model: 'flat'; readonly price: Decimal }
  | { readonly model: 'per_unit'; readonly unitPrice: Decimal }
  | {
      readonly model: 'tiered';
      readonly tiersMode: 'graduated' | 'volume';
      readonly tiers: readonly PriceTier[];
    }
  | { readonly model: 'package'; readonly quantityPerPackage: Decimal; readonly price: Decimal };

/** Turns the unit that was metered into the one that is priced. */
export interface UnitConversion {
  readonly operation: 'multiply' | 'divide';
  readonly factor: Decimal;
  /** Digits behind the point that the converted amount keeps, 0–18; rounded half up, once a line. */
  readonly scale: number;
}

/** A price of one product in one unit, as the catalogue or a contract has it. */
export interface Price {
  readonly sku: string;
  /** The unit in which usage is reported. */
  readonly unit: string;
  /** ISO 4217. */
  readonly currency: string;
  readonly model: PriceModel;
  readonly conversion: UnitConversion | null;
  /** Taken off the (converted) amount before the model prices it; not below 0. */
  readonly freeUnits: Decimal;
  /** Of the line a billing period; the minimum also without usage. Null: none. */
  readonly minimum: Decimal | null;
  readonly maximum: Decimal | null;
  /** 0–100, off the line, before minimum and maximum. */
  readonly discountPercent: Decimal;
}
