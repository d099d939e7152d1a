/** Reads what a request asks to be priced although nobody has used it yet. */
import type { Decimal } from '../counting/decimal.ts';
import {
  type BodyRead,
  isJsonObject,
  listOf,
  nameOf,
  objectOf,
  optional,
  orNull,
  type Reader,
  readBody,
  readFields,
  readInstant,
  readNotNegative,
  required,
} from './body-reader.ts';
import type { Price } from './price.ts';
import { readCurrency, readPriceIn } from './price-fields.ts';
import { SKU_BYTES_MAX, TENANT_BYTES_MAX, UNIT_BYTES_MAX } from './pulse.ts';

export interface EstimatedUsage {
  readonly sku: string;
  readonly unit: string;
  readonly amount: Decimal;
}

export interface EstimateFields {
  /** Whose contract holds; null: nobody's. */
  readonly tenant: string | null;
  /** When it would be used, ms since the Unix epoch; null: now. */
  readonly at: number | null;
  /** In which list prices are looked for where neither a contract nor `price` says it. */
  readonly currency: string | null;
  /** In place of what the contract or the list says of its sku and unit. */
  readonly price: Price | null;
  /** What is used within one billing period. */
  readonly usage: readonly EstimatedUsage[];
}

const USAGE_MAX = 100;

/** A price that names its currency itself. */
const readPrice: Reader<Price> = (value, pointer, problems) => {
  if (!isJsonObject(value)) return problems.add(pointer, 'Must be a JSON object.');
  const read = readFields(value, pointer, problems, { currency: required(readCurrency) });
  return readPriceIn(value, pointer, problems, read?.currency, ['currency']);
};

export function readEstimateBody(body: unknown): BodyRead<EstimateFields> {
  const used = objectOf<EstimatedUsage>({
    sku: required(nameOf(SKU_BYTES_MAX)),
    unit: required(nameOf(UNIT_BYTES_MAX)),
    amount: required(readNotNegative),
  });
  return readBody(
    body,
    objectOf<EstimateFields>({
      tenant: optional<string | null>(orNull(nameOf(TENANT_BYTES_MAX)), null),
      at: optional<number | null>(orNull(readInstant), null),
      currency: optional<string | null>(orNull(readCurrency), null),
      price: optional<Price | null>(orNull(readPrice), null),
      usage: required(listOf(used, 1, USAGE_MAX)),
    }),
  );
}
