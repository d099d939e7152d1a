/** The shapes of charges, statements and differences in the API's answers, and of the bodies that ask for them. */
import { z } from '@hono/zod-openapi';
import { CHARGE_STEP_KINDS } from '../../domain/metering/charge.ts';
import { decimal, ENTRY_BODIES, version } from './metering-entry-schemas.ts';
import { count, time } from './schemas.ts';

const series = { tenant: z.string(), sku: z.string(), unit: z.string() };
const span = { from: time, to: time };
const period = z.strictObject({ contract: z.string(), ...span });
const step = {
  kind: z.enum(CHARGE_STEP_KINDS),
  quantity: decimal.nullable(),
  unitPrice: decimal.nullable(),
  tier: z.number().int().min(1).nullable(),
  amount: decimal,
};
const charge = {
  id: z.string(),
  kind: z.enum(['usage', 'adjustment']),
  ...series,
  ...span,
  period,
  price: z
    .strictObject({ id: z.string(), version })
    .openapi({ description: '`contract`, or the id of a list price, and its version.' }),
  quantity: decimal.openapi({ description: 'As metered, before any conversion.' }),
  pulses: z.number().int().openapi({ description: 'Of an adjustment: how many more.' }),
  steps: z.array(z.strictObject(step)),
  precise: decimal.openapi({ description: 'The sum of the steps, exact.' }),
  rounded: decimal.openapi({ description: 'Rounded once, half up, to the currency’s digits.' }),
  currency: z.string(),
  adjusts: period.nullable(),
  usage: z.string().openapi({ description: 'Where the usage behind the quantity is read.' }),
};
export const chargeSchema = z.strictObject(charge).openapi('Charge');
export const chargeListSchema = z
  .strictObject({ items: z.array(chargeSchema), nextCursor: z.string().nullable() })
  .openapi('ChargeList');

const unpriced = z
  .strictObject({
    ...series,
    ...span,
    quantity: decimal,
    pulses: count,
    reason: z.enum(['no_contract', 'no_price', 'amount_too_large']),
  })
  .openapi('UnpricedUsage');
export const unpricedListSchema = z
  .strictObject({ items: z.array(unpriced) })
  .openapi('UnpricedList');

const periodState = z.enum(['open', 'closing', 'final']);
export const periodListSchema = z
  .strictObject({
    items: z.array(
      z
        .strictObject({
          tenant: z.string(),
          contract: z.string(),
          ...span,
          state: periodState,
          finalAt: time.nullable(),
        })
        .openapi('BillingPeriod'),
    ),
  })
  .openapi('BillingPeriodList');

const totals = z.array(z.strictObject({ currency: z.string(), amount: decimal, lines: count }));
export const statementSchema = z
  .strictObject({
    tenant: z.string(),
    ...span,
    final: z.boolean(),
    periods: z.array(
      z.strictObject({
        contract: z.string(),
        ...span,
        timeZone: z.string(),
        state: periodState,
        lines: z.array(
          z.strictObject({
            ...charge,
            steps: z.array(
              z.strictObject({
                ...step,
                words: z.string().openapi({ example: 'tier 2: 500 × 0.04' }),
                subtotal: decimal.openapi({ description: 'Of the line, after the step.' }),
              }),
            ),
          }),
        ),
        totals,
      }),
    ),
    totals,
    unpriced: z.array(unpriced),
    generatedAt: time,
  })
  .openapi('Statement');

export const eventListSchema = z
  .strictObject({
    items: z.array(
      z
        .strictObject({
          threshold: z.string(),
          ...series,
          period,
          thresholdAmount: decimal.openapi({
            description: 'The threshold’s own then; another one since is reached anew.',
          }),
          amount: decimal.openapi({ description: 'What was used then.' }),
          at: time,
        })
        .openapi('ThresholdEvent'),
    ),
  })
  .openapi('ThresholdEventList');

const {
  id: _,
  expectedVersion: __,
  validFrom: ___,
  validTo: ____,
  ...tried
} = ENTRY_BODIES.price.shape;
export const estimateBodySchema = z
  .strictObject({
    tenant: z.string().nullable().optional().openapi({
      description: 'Whose contract holds. Default: with an API key its own, else nobody’s.',
    }),
    at: time.nullable().optional().openapi({ description: 'When it would be used. Default: now.' }),
    currency: z.string().nullable().optional().openapi({
      description: 'Of list prices, where neither a contract nor `price` says it.',
    }),
    price: z.strictObject(tried).nullable().optional().openapi({
      description: 'In place of what the contract or the list says of its sku and unit.',
    }),
    usage: z
      .array(z.strictObject({ sku: z.string(), unit: z.string(), amount: decimal }))
      .min(1)
      .openapi({ description: 'What is used within one billing period.' }),
  })
  .openapi('EstimateBody', {
    example: { tenant: 'acme', usage: [{ sku: 'storage', unit: 'GiB', amount: '1000.01' }] },
  });
export const estimateSchema = z
  .strictObject({ charges: z.array(chargeSchema), unpriced: z.array(unpriced) })
  .openapi('Estimate');

const rating = {
  tenant: z.string(),
  from: time.openapi({ description: 'Of billing periods that overlap `[from, to)`.' }),
  to: time,
};
export const applyBodySchema = z.strictObject(rating).openapi('RatingBody', {
  example: { tenant: 'acme', from: '2026-11-01T00:00:00Z', to: '2026-12-01T00:00:00Z' },
});
const replaced = z.string().nullable().default(null).openapi({
  description: 'The entry that it would replace. Default: a new one.',
});
export const previewBodySchema = z
  .strictObject({
    ...rating,
    entry: z
      .discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('price'), id: replaced, body: ENTRY_BODIES.price }),
        z.strictObject({ kind: z.literal('contract'), id: replaced, body: ENTRY_BODIES.contract }),
      ])
      .optional()
      .openapi({ description: 'A price or contract to try, as it would be put. Stores nothing.' }),
  })
  .openapi('RatingPreviewBody');
const money = { before: decimal, after: decimal, difference: decimal };
export const differenceSchema = z
  .strictObject({
    lines: z
      .array(
        z.strictObject({
          before: chargeSchema.nullable(),
          after: chargeSchema.nullable(),
          currency: z.string(),
          difference: decimal,
        }),
      )
      .openapi({ description: 'What differs; null where a line is new, or is gone.' }),
    totals: z
      .array(z.strictObject({ currency: z.string(), ...money }))
      .openapi({ description: 'Over all lines, changed or not.' }),
  })
  .openapi('RerateDifference');
