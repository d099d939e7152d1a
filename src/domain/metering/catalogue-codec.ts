/** How entries of the metering catalogue stand in a store, as JSON: decimals as texts, times in ms. */
import { type Decimal, formatDecimal, parseDecimal } from '../counting/decimal.ts';
import { StrictJson } from '../strict-json.ts';
import {
  API_KEY_SCOPES,
  type ApiKey,
  type Contract,
  type ListPrice,
  type Product,
  type UsageThreshold,
} from './contract.ts';
import { CONTRACT_PRICES_MAX } from './contract-fields.ts';
import type { Price, PriceModel, PriceTier, UnitConversion } from './price.ts';
import { TIERS_MAX } from './price-fields.ts';

/** As the catalogue's port names them. */
interface Entries {
  readonly product: Product;
  readonly price: ListPrice;
  readonly contract: Contract;
  readonly threshold: UsageThreshold;
  readonly api_key: ApiKey;
}

const DECODERS: { readonly [Kind in keyof Entries]: (value: StrictJson) => Entries[Kind] } = {
  product: readProduct,
  price: readListPrice,
  contract: readContract,
  threshold: readThreshold,
  api_key: readApiKey,
};

const PRICE_NAMES = [
  'sku',
  'unit',
  'currency',
  'model',
  'conversion',
  'freeUnits',
  'minimum',
  'maximum',
  'discountPercent',
] as const;

/** `kind` says which of the entries it is; the text itself does not. */
export function encodeEntry<Kind extends keyof Entries>(_kind: Kind, entry: Entries[Kind]): string {
  return JSON.stringify(entry, (_name, value: unknown) =>
    isDecimal(value) ? formatDecimal(value) : value,
  );
}

/** @throws ApuraError `store_corrupt`: not an entry of this kind as `encodeEntry` writes it. */
export function decodeEntry<Kind extends keyof Entries>(kind: Kind, text: string): Entries[Kind] {
  return DECODERS[kind](StrictJson.parse(text, kind, 'store_corrupt'));
}

function isDecimal(value: unknown): value is Decimal {
  return typeof value === 'object' && value !== null && 'mantissa' in value && 'scale' in value;
}

function readProduct(value: StrictJson): Product {
  const product = value.object(['sku', 'name', 'version', 'createdAt']);
  return {
    sku: readText(product.sku),
    name: readText(product.name),
    version: product.version.whole(1),
    createdAt: product.createdAt.whole(0),
  };
}

function readListPrice(value: StrictJson): ListPrice {
  const names = ['id', 'validFrom', 'validTo', 'version', 'createdAt'] as const;
  const price = value.object([...PRICE_NAMES, ...names]);
  return {
    id: readText(price.id),
    ...priceOf(price),
    validFrom: price.validFrom.whole(0),
    validTo: price.validTo.orNull(readInstant),
    version: price.version.whole(1),
    createdAt: price.createdAt.whole(0),
  };
}

function readContract(value: StrictJson): Contract {
  const contract = value.object([
    'id',
    'tenant',
    'currency',
    'validFrom',
    'validTo',
    'timeZone',
    'graceMs',
    'prices',
    'version',
    'createdAt',
  ]);
  return {
    id: readText(contract.id),
    tenant: readText(contract.tenant),
    // Neither currency nor zone is asked of today's lists: what was signed once must stay readable.
    currency: readText(contract.currency),
    validFrom: contract.validFrom.whole(0),
    validTo: contract.validTo.orNull(readInstant),
    timeZone: readText(contract.timeZone),
    graceMs: contract.graceMs.whole(0),
    prices: contract.prices
      .list(0, CONTRACT_PRICES_MAX)
      .map((price) => priceOf(price.object(PRICE_NAMES))),
    version: contract.version.whole(1),
    createdAt: contract.createdAt.whole(0),
  };
}

function readThreshold(value: StrictJson): UsageThreshold {
  const names = ['id', 'tenant', 'sku', 'unit', 'amount', 'version', 'createdAt'] as const;
  const threshold = value.object(names);
  return {
    id: readText(threshold.id),
    tenant: readText(threshold.tenant),
    sku: readText(threshold.sku),
    unit: readText(threshold.unit),
    amount: readDecimal(threshold.amount),
    version: threshold.version.whole(1),
    createdAt: threshold.createdAt.whole(0),
  };
}

function readApiKey(value: StrictJson): ApiKey {
  const key = value.object([
    'id',
    'tenant',
    'name',
    'scopes',
    'secretSha256',
    'createdAt',
    'expiresAt',
    'revokedAt',
    'version',
  ]);
  return {
    id: readText(key.id),
    tenant: readText(key.tenant),
    name: readText(key.name),
    scopes: key.scopes.list(1, API_KEY_SCOPES.length).map((scope) => scope.oneOf(API_KEY_SCOPES)),
    secretSha256: key.secretSha256.text((text) => /^[0-9a-f]{64}$/.test(text)),
    createdAt: key.createdAt.whole(0),
    expiresAt: key.expiresAt.orNull(readInstant),
    revokedAt: key.revokedAt.orNull(readInstant),
    version: key.version.whole(1),
  };
}

function priceOf(price: Readonly<Record<(typeof PRICE_NAMES)[number], StrictJson>>): Price {
  return {
    sku: readText(price.sku),
    unit: readText(price.unit),
    currency: readText(price.currency),
    model: readModel(price.model),
    conversion: price.conversion.orNull(readConversion),
    freeUnits: readDecimal(price.freeUnits),
    minimum: price.minimum.orNull(readDecimal),
    maximum: price.maximum.orNull(readDecimal),
    discountPercent: readDecimal(price.discountPercent),
  };
}

function readModel(value: StrictJson): PriceModel {
  const names = ['price', 'unitPrice', 'tiersMode', 'tiers', 'quantityPerPackage'] as const;
  const { model } = value.object(['model'], names);
  const kind = model.oneOf(['flat', 'per_unit', 'tiered', 'package']);
  switch (kind) {
    case 'flat': {
      const { price } = value.object(['model', 'price']);
      return { model: kind, price: readDecimal(price) };
    }
    case 'per_unit': {
      const { unitPrice } = value.object(['model', 'unitPrice']);
      return { model: kind, unitPrice: readDecimal(unitPrice) };
    }
    case 'tiered': {
      const { tiersMode, tiers } = value.object(['model', 'tiersMode', 'tiers']);
      const mode = tiersMode.oneOf(['graduated', 'volume']);
      return { model: kind, tiersMode: mode, tiers: tiers.list(1, TIERS_MAX).map(readTier) };
    }
    case 'package': {
      const { quantityPerPackage, price } = value.object(['model', 'quantityPerPackage', 'price']);
      return {
        model: kind,
        quantityPerPackage: readDecimal(quantityPerPackage),
        price: readDecimal(price),
      };
    }
  }
}

function readTier(value: StrictJson): PriceTier {
  const { upTo, unitPrice, flatPrice } = value.object(['upTo', 'unitPrice', 'flatPrice']);
  return {
    upTo: upTo.orNull(readDecimal),
    unitPrice: readDecimal(unitPrice),
    flatPrice: readDecimal(flatPrice),
  };
}

function readConversion(value: StrictJson): UnitConversion {
  const { operation, factor, scale } = value.object(['operation', 'factor', 'scale']);
  return {
    operation: operation.oneOf(['multiply', 'divide']),
    factor: readDecimal(factor),
    scale: scale.whole(0),
  };
}

const readInstant = (value: StrictJson): number => value.whole(0);

function readText(value: StrictJson): string {
  return value.text((text) => text !== '');
}

function readDecimal(value: StrictJson): Decimal {
  const text = value.text((digits) => parseDecimal(digits) !== null);
  return parseDecimal(text) as Decimal;
}
