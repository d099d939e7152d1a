/** The shapes of the metering catalogue's entries, as requests bring them and as answers show them. */
import { z } from '@hono/zod-openapi';
import { API_KEY_SCOPES } from '../../domain/metering/contract.ts';
import { CONTRACT_PRICES_MAX, DEFAULT_GRACE_MS } from '../../domain/metering/contract-fields.ts';
import { TIERS_MAX } from '../../domain/metering/price-fields.ts';
import { AMOUNT_SCALE } from '../../domain/metering/pulse.ts';
import { time } from './schemas.ts';

export const decimal = z
  .string()
  .regex(/^-?\d+(\.\d+)?$/)
  .openapi({ example: '0.05', description: 'An exact decimal, never a JSON number.' });
const currency = z.string().length(3).openapi({ example: 'EUR', description: 'ISO 4217.' });
export const version = z.number().int().min(1);
const windowBound = time.openapi({
  example: '2026-01-01T00:00:00Z',
  description: 'By the time of the usage, on a whole quarter of an hour.',
});
const naming = {
  id: z.string().optional().openapi({
    example: 'acme-2026',
    description: 'When it is created only: 1–63 of a–z, 0–9 and -. Default: made by the server.',
  }),
  expectedVersion: version.optional().openapi({
    description: 'When it is replaced only: refused if someone was faster.',
  }),
};

const tiersShown = z
  .array(z.strictObject({ upTo: decimal.nullable(), unitPrice: decimal, flatPrice: decimal }))
  .max(TIERS_MAX);
const tiersAsked = z
  .array(
    z.strictObject({
      upTo: decimal.nullable().openapi({ description: 'Inclusive; null in the last tier.' }),
      unitPrice: decimal,
      flatPrice: decimal.optional(),
    }),
  )
  .min(1)
  .max(TIERS_MAX);

/** The members of a model beside `model`; which of them a price has, the model says. */
function modelMembers(tiers: typeof tiersAsked | typeof tiersShown) {
  return {
    model: z.enum(['flat', 'per_unit', 'tiered', 'package']),
    price: decimal.optional().openapi({ description: 'Of `flat` and of a `package`.' }),
    unitPrice: decimal.optional().openapi({ description: 'Of `per_unit`.' }),
    tiersMode: z.enum(['graduated', 'volume']).optional().openapi({ description: 'Of `tiered`.' }),
    tiers: tiers.optional(),
    quantityPerPackage: decimal.optional().openapi({ description: 'Of a `package`.' }),
  };
}

const conversion = {
  operation: z.enum(['multiply', 'divide']),
  factor: decimal,
};
const scale = z.number().int().min(0).max(AMOUNT_SCALE);
const series = {
  sku: z.string().openapi({ example: 'storage' }),
  unit: z.string().openapi({ example: 'GiB' }),
};

const priceShown = {
  ...series,
  ...modelMembers(tiersShown),
  conversion: z.strictObject({ ...conversion, scale }).nullable(),
  freeUnits: decimal,
  minimum: decimal.nullable(),
  maximum: decimal.nullable(),
  discountPercent: decimal,
};
const priceAsked = {
  ...series,
  ...modelMembers(tiersAsked),
  conversion: z
    .strictObject({ ...conversion, scale: scale.optional() })
    .nullable()
    .optional(),
  freeUnits: decimal.optional(),
  minimum: decimal.nullable().optional(),
  maximum: decimal.nullable().optional(),
  discountPercent: decimal.optional(),
};
const validityAsked = { validFrom: windowBound, validTo: windowBound.nullable().optional() };
const validityShown = { validFrom: time, validTo: time.nullable() };
const stored = { version, createdAt: time };

const product = { sku: series.sku, name: z.string().openapi({ example: 'Storage' }) };
const contract = {
  tenant: z.string().openapi({ example: 'acme' }),
  currency,
};
const threshold = { tenant: contract.tenant, ...series, amount: decimal };
const apiKey = {
  tenant: contract.tenant,
  name: z.string().openapi({ example: 'billing page' }),
  scopes: z.array(z.enum(API_KEY_SCOPES)).min(1),
};

/** What a request says of an entry, by kind; the domain reads it. */
export const ENTRY_BODIES = {
  product: z
    .strictObject({ ...product, expectedVersion: naming.expectedVersion })
    .openapi('ProductBody', { example: { sku: 'storage', name: 'Storage' } }),
  price: z
    .strictObject({ ...naming, ...priceAsked, currency, ...validityAsked })
    .openapi('PriceBody', {
      example: {
        sku: 'call',
        unit: 'call',
        currency: 'EUR',
        validFrom: '2026-01-01T00:00:00Z',
        model: 'per_unit',
        unitPrice: '0.0035',
      },
    }),
  contract: z
    .strictObject({
      ...naming,
      ...contract,
      ...validityAsked,
      timeZone: z.string().optional().openapi({
        default: 'UTC',
        description: 'Billing periods are the calendar months of this zone.',
      }),
      graceMs: z.number().int().min(0).optional().openapi({
        default: DEFAULT_GRACE_MS,
        description: 'From the end of a period to when it is final.',
      }),
      prices: z
        .array(z.strictObject(priceAsked))
        .max(CONTRACT_PRICES_MAX)
        .optional()
        .openapi({ description: 'In place of the list prices of the same sku and unit.' }),
    })
    .openapi('ContractBody', {
      example: {
        id: 'acme-2026',
        tenant: 'acme',
        currency: 'EUR',
        validFrom: '2026-01-01T00:00:00Z',
        timeZone: 'Europe/Berlin',
        prices: [
          {
            sku: 'storage',
            unit: 'GiB',
            model: 'tiered',
            tiersMode: 'graduated',
            tiers: [
              { upTo: '1000', unitPrice: '0.05' },
              { upTo: null, unitPrice: '0.03' },
            ],
          },
        ],
      },
    }),
  threshold: z.strictObject({ ...naming, ...threshold }).openapi('ThresholdBody', {
    example: { tenant: 'acme', sku: 'storage', unit: 'GiB', amount: '1000' },
  }),
  api_key: z
    .strictObject({ ...apiKey, expiresAt: time.nullable().optional() })
    .openapi('ApiKeyBody', {
      example: { tenant: 'acme', name: 'billing page', scopes: ['read'] },
    }),
} as const;

/** What an answer says of an entry, by kind. */
export const ENTRY_SCHEMAS = {
  product: z.strictObject({ ...product, ...stored }).openapi('Product'),
  price: z
    .strictObject({ id: z.string(), ...priceShown, currency, ...validityShown, ...stored })
    .openapi('Price'),
  contract: z
    .strictObject({
      id: z.string(),
      ...contract,
      ...validityShown,
      timeZone: z.string(),
      graceMs: z.number().int().min(0),
      prices: z.array(z.strictObject(priceShown)),
      ...stored,
    })
    .openapi('Contract'),
  threshold: z.strictObject({ id: z.string(), ...threshold, ...stored }).openapi('Threshold'),
  api_key: z
    .strictObject({
      id: z.string(),
      ...apiKey,
      createdAt: time,
      expiresAt: time.nullable(),
      revokedAt: time.nullable(),
      version,
    })
    .openapi('ApiKey'),
} as const;

export const newApiKeySchema = ENTRY_SCHEMAS.api_key
  .extend({
    secret: z.string().openapi({
      description: 'The whole key, to be sent as a bearer token. Shown now and never again.',
    }),
  })
  .openapi('NewApiKey');
