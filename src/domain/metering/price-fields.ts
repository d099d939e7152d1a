/** Reads what a request says about a price, whether of the list or in a contract. */
import { compareDecimals, type Decimal, ZERO } from '../counting/decimal.ts';
import {
  isJsonObject,
  type JsonObject,
  listOf,
  nameOf,
  objectOf,
  oneOf,
  optional,
  orNull,
  type Problems,
  type Reader,
  readFields,
  readNotNegative,
  readPositive,
  refuseUnknown,
  required,
  wholeNumber,
} from './body-reader.ts';
import { currencyExponent } from './currency.ts';
import type { Price, PriceModel, PriceTier, UnitConversion } from './price.ts';
import { AMOUNT_SCALE, SKU_BYTES_MAX, UNIT_BYTES_MAX } from './pulse.ts';

export const TIERS_MAX = 100;
const ONE_HUNDRED: Decimal = { mantissa: 100n, scale: 0 };

/** By model: the members that it has beside those of every price. */
const MODEL_NAMES = {
  flat: ['price'],
  per_unit: ['unitPrice'],
  tiered: ['tiersMode', 'tiers'],
  package: ['quantityPerPackage', 'price'],
} as const satisfies Readonly<Record<PriceModel['model'], readonly string[]>>;
const MODELS = ['flat', 'per_unit', 'tiered', 'package'] as const;

export const readCurrency: Reader<string> = (value, pointer, problems) => {
  if (typeof value === 'string' && currencyExponent(value) !== null) return value;
  return problems.add(pointer, 'Must be a currency of ISO 4217 that is in use, such as EUR.');
};

const PRICE_FIELDS = {
  sku: required(nameOf(SKU_BYTES_MAX)),
  unit: required(nameOf(UNIT_BYTES_MAX)),
  conversion: optional<UnitConversion | null>(
    orNull(
      objectOf<UnitConversion>({
        operation: required(oneOf(['multiply', 'divide'])),
        factor: required(readPositive),
        scale: optional(wholeNumber(0, AMOUNT_SCALE), AMOUNT_SCALE),
      }),
    ),
    null,
  ),
  freeUnits: optional(readNotNegative, ZERO),
  minimum: optional<Decimal | null>(orNull(readNotNegative), null),
  maximum: optional<Decimal | null>(orNull(readNotNegative), null),
  discountPercent: optional<Decimal>((value, pointer, problems) => {
    const percent = readNotNegative(value, pointer, problems);
    if (percent === undefined || compareDecimals(percent, ONE_HUNDRED) <= 0) return percent;
    return problems.add(pointer, 'Must be at most 100.');
  }, ZERO),
};

/**
 * The price in `value` beside the members `others`, which are read elsewhere. `currency` is that of the
 * contract; where it is not known the digits of minimum and maximum are not checked.
 */
export function readPriceIn(
  value: unknown,
  pointer: string,
  problems: Problems,
  currency: string | undefined,
  others: readonly string[],
): Price | undefined {
  if (!isJsonObject(value)) return problems.add(pointer, 'Must be a JSON object.');
  const model = MODELS.find((name) => name === value.model);
  const modelNames = model === undefined ? Object.values(MODEL_NAMES).flat() : MODEL_NAMES[model];
  refuseUnknown(value, pointer, problems, [
    ...Object.keys(PRICE_FIELDS),
    'model',
    ...modelNames,
    ...others,
  ]);
  const fields = readFields(value, pointer, problems, PRICE_FIELDS);
  const priceModel = readModel(value, pointer, problems);
  if (fields === undefined) return undefined;
  const { minimum, maximum } = fields;
  if (minimum !== null && maximum !== null && compareDecimals(minimum, maximum) > 0) {
    problems.add(`${pointer}/maximum`, 'Must not be below the minimum.');
  }
  const digits = currency === undefined ? null : currencyExponent(currency);
  for (const name of ['minimum', 'maximum'] as const) {
    const amount = fields[name];
    // Rounding comes last and would carry the line across a bound that it can not be paid with.
    if (amount === null || digits === null || amount.scale <= digits) continue;
    problems.add(`${pointer}/${name}`, `Must have at most ${digits} digits behind the point.`);
  }
  if (priceModel === undefined || currency === undefined) return undefined;
  return { ...fields, currency, model: priceModel };
}

function readModel(value: JsonObject, pointer: string, problems: Problems): PriceModel | undefined {
  const { model } = readFields(value, pointer, problems, { model: required(oneOf(MODELS)) }) ?? {};
  switch (model) {
    case undefined:
      return undefined;
    case 'flat': {
      const fields = { price: required(readNotNegative) };
      return withModel('flat', readFields(value, pointer, problems, fields));
    }
    case 'per_unit': {
      const fields = { unitPrice: required(readNotNegative) };
      return withModel('per_unit', readFields(value, pointer, problems, fields));
    }
    case 'package': {
      const fields = {
        quantityPerPackage: required(readPositive),
        price: required(readNotNegative),
      };
      return withModel('package', readFields(value, pointer, problems, fields));
    }
    case 'tiered': {
      const fields = {
        tiersMode: required(oneOf<'graduated' | 'volume'>(['graduated', 'volume'])),
        tiers: required(readTiers),
      };
      return withModel('tiered', readFields(value, pointer, problems, fields));
    }
  }
}

function withModel<Model extends string, T extends object>(
  model: Model,
  fields: T | undefined,
): (T & { readonly model: Model }) | undefined {
  return fields === undefined ? undefined : { model, ...fields };
}

const readTiers: Reader<readonly PriceTier[]> = (value, pointer, problems) => {
  const readTier = objectOf<PriceTier>({
    upTo: required(orNull(readPositive)),
    unitPrice: required(readNotNegative),
    flatPrice: optional(readNotNegative, ZERO),
  });
  const tiers = listOf(readTier, 1, TIERS_MAX)(value, pointer, problems);
  if (tiers === undefined) return undefined;
  let below = ZERO;
  for (const [index, { upTo }] of tiers.entries()) {
    const at = `${pointer}/${index}/upTo`;
    const isLast = index === tiers.length - 1;
    if (isLast) {
      if (upTo !== null) problems.add(at, 'Must be null in the last tier: it has no end.');
    } else if (upTo === null) {
      problems.add(at, 'Must be a decimal number: only the last tier has no end.');
    } else {
      if (compareDecimals(upTo, below) <= 0) {
        problems.add(at, 'Must be above that of the tier before.');
      }
      below = upTo;
    }
  }
  return tiers;
};
