/** Writes entries of the metering catalogue as the API shows them: the names that their bodies have. */

import type { ShownEntries } from '../../application/metering/shown-entry.ts';
import type { Decimal } from '../../domain/counting/decimal.ts';
import { formatShortest } from '../../domain/counting/exact-decimal.ts';
import type { Price, PriceModel } from '../../domain/metering/price.ts';
import { rfc3339Of } from '../../domain/voting/rfc3339.ts';
import type { EntryKind } from '../../ports/metering-catalogue.ts';
import { timeOrNull } from './poll-json.ts';

/** An entry as JSON, by its kind. */
export const ENTRY_JSON: {
  readonly [Kind in EntryKind]: (entry: ShownEntries[Kind]) => Readonly<Record<string, unknown>>;
} = {
  product: ({ sku, name, version, createdAt }) => ({
    sku,
    name,
    version,
    createdAt: rfc3339Of(createdAt),
  }),
  price: (price) => ({
    id: price.id,
    ...priceJson(price),
    currency: price.currency,
    ...validityJson(price),
    version: price.version,
    createdAt: rfc3339Of(price.createdAt),
  }),
  contract: (contract) => ({
    id: contract.id,
    tenant: contract.tenant,
    currency: contract.currency,
    ...validityJson(contract),
    timeZone: contract.timeZone,
    graceMs: contract.graceMs,
    prices: contract.prices.map(priceJson),
    version: contract.version,
    createdAt: rfc3339Of(contract.createdAt),
  }),
  threshold: ({ id, tenant, sku, unit, amount, version, createdAt }) => ({
    id,
    tenant,
    sku,
    unit,
    amount: formatShortest(amount),
    version,
    createdAt: rfc3339Of(createdAt),
  }),
  // Member by member: whatever else a key may hold, a digest never leaves.
  api_key: ({ id, tenant, name, scopes, createdAt, expiresAt, revokedAt, version }) => ({
    id,
    tenant,
    name,
    scopes,
    createdAt: rfc3339Of(createdAt),
    expiresAt: timeOrNull(expiresAt),
    revokedAt: timeOrNull(revokedAt),
    version,
  }),
};

function validityJson({ validFrom, validTo }: { validFrom: number; validTo: number | null }) {
  return { validFrom: rfc3339Of(validFrom), validTo: timeOrNull(validTo) };
}

/** Without the currency: a contract has one for all of its prices. */
function priceJson(price: Price) {
  const { conversion } = price;
  return {
    sku: price.sku,
    unit: price.unit,
    ...modelJson(price.model),
    conversion:
      conversion === null ? null : { ...conversion, factor: formatShortest(conversion.factor) },
    freeUnits: formatShortest(price.freeUnits),
    minimum: textOrNull(price.minimum),
    maximum: textOrNull(price.maximum),
    discountPercent: formatShortest(price.discountPercent),
  };
}

function modelJson(model: PriceModel) {
  switch (model.model) {
    case 'flat':
      return { model: model.model, price: formatShortest(model.price) };
    case 'per_unit':
      return { model: model.model, unitPrice: formatShortest(model.unitPrice) };
    case 'package':
      return {
        model: model.model,
        quantityPerPackage: formatShortest(model.quantityPerPackage),
        price: formatShortest(model.price),
      };
    case 'tiered':
      return {
        model: model.model,
        tiersMode: model.tiersMode,
        tiers: model.tiers.map(({ upTo, unitPrice, flatPrice }) => ({
          upTo: textOrNull(upTo),
          unitPrice: formatShortest(unitPrice),
          flatPrice: formatShortest(flatPrice),
        })),
      };
  }
}

function textOrNull(value: Decimal | null): string | null {
  return value === null ? null : formatShortest(value);
}
