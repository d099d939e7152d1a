/** The metering catalogue as the API tells it: products, prices, contracts, thresholds and keys. Amounts are exact texts. */

export const PRICE_MODELS = ['per_unit', 'tiered', 'package', 'flat'] as const;
export type PriceModel = (typeof PRICE_MODELS)[number];
export type TiersMode = 'graduated' | 'volume';

export interface PriceTier {
  /** Inclusive; null in the last tier. */
  readonly upTo: string | null;
  readonly unitPrice: string;
  readonly flatPrice?: string;
}

export interface UnitConversion {
  readonly operation: 'multiply' | 'divide';
  readonly factor: string;
  readonly scale: number;
}

/** Which members a model has: `price` (flat, package), `unitPrice`, `tiersMode` and `tiers`, `quantityPerPackage`. */
export interface Price {
  readonly sku: string;
  /** In which usage is reported. */
  readonly unit: string;
  readonly model: PriceModel;
  readonly price?: string;
  readonly unitPrice?: string;
  readonly tiersMode?: TiersMode;
  readonly tiers?: readonly PriceTier[];
  readonly quantityPerPackage?: string;
  readonly conversion: UnitConversion | null;
  readonly freeUnits: string;
  readonly minimum: string | null;
  readonly maximum: string | null;
  readonly discountPercent: string;
}

export interface Validity {
  /** RFC 3339, by the time of the usage. */
  readonly validFrom: string;
  readonly validTo: string | null;
}

interface Versioned {
  readonly version: number;
  readonly createdAt: string;
}

export interface Product extends Versioned {
  readonly sku: string;
  readonly name: string;
}

export interface ListPrice extends Price, Validity, Versioned {
  readonly id: string;
  readonly currency: string;
}

export interface Contract extends Validity, Versioned {
  readonly id: string;
  readonly tenant: string;
  readonly currency: string;
  readonly timeZone: string;
  readonly graceMs: number;
  readonly prices: readonly Price[];
}

/** An amount of one product in one unit; a tenant's usage that reaches it raises an event. */
export interface Threshold extends Versioned {
  readonly id: string;
  readonly tenant: string;
  readonly sku: string;
  readonly unit: string;
  readonly amount: string;
}

export const KEY_SCOPES = ['ingest', 'read', 'backfill'] as const;
export type KeyScope = (typeof KEY_SCOPES)[number];

export interface ApiKey extends Versioned {
  readonly id: string;
  readonly tenant: string;
  readonly name: string;
  readonly scopes: readonly KeyScope[];
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
}

/** An entry that an operator edits, by its kind. */
export interface EditedEntries {
  readonly product: Product;
  readonly threshold: Threshold;
  readonly price: ListPrice;
  readonly contract: Contract;
}
export type EditedKind = keyof EditedEntries;
