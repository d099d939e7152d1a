/** Reads what requests say about the catalogue: products, list prices, contracts, thresholds and API keys. */
import {
  type BodyRead,
  type Fields,
  isJsonObject,
  listOf,
  nameOf,
  objectOf,
  oneOf,
  optional,
  orNull,
  type Problems,
  type Reader,
  readBody,
  readEntryId,
  readFields,
  readInstant,
  readPositive,
  readTimeZone,
  readWindowBound,
  refuseUnknown,
  required,
  wholeNumber,
  wordsOf,
} from './body-reader.ts';
import {
  API_KEY_SCOPES,
  type ApiKey,
  type Contract,
  type ListPrice,
  type Product,
  type UsageThreshold,
} from './contract.ts';
import type { Price } from './price.ts';
import { readCurrency, readPriceIn } from './price-fields.ts';
import { LATENESS_MS, SKU_BYTES_MAX, TENANT_BYTES_MAX, UNIT_BYTES_MAX } from './pulse.ts';
import { CONTRACT_PRICE_ID } from './rating.ts';

/**
 * - `create`: the body may name the `id`.
 * - `replace`: the id is known; the body may name the `expectedVersion` that it was made from.
 */
export type BodyPurpose = 'create' | 'replace';

/** What a body names beside what it is about; null where it does not say. */
interface Naming {
  readonly id: string | null;
  readonly expectedVersion: number | null;
}
type Stored = 'id' | 'version' | 'createdAt';
export type ProductFields = Naming & Omit<Product, 'version' | 'createdAt'>;
export type ListPriceFields = Naming & Omit<ListPrice, Stored>;
export type ContractFields = Naming & Omit<Contract, Stored>;
export type ThresholdFields = Naming & Omit<UsageThreshold, Stored>;
export type ApiKeyFields = Pick<ApiKey, 'tenant' | 'name' | 'scopes' | 'expiresAt'>;

export const CONTRACT_PRICES_MAX = 1_000;
export const DEFAULT_GRACE_MS = 3 * 86_400_000;
const NAME_LENGTH_MAX = 200;

const unknownHere = optional<null>(
  (_, pointer, problems) => problems.add(pointer, 'The field is not known here.', 'unknown_field'),
  null,
);
const validityFields = {
  validFrom: required(readWindowBound),
  validTo: optional<number | null>(orNull(readWindowBound), null),
};
const seriesFields = {
  sku: required(nameOf(SKU_BYTES_MAX)),
  unit: required(nameOf(UNIT_BYTES_MAX)),
};
const tenant = required(nameOf(TENANT_BYTES_MAX));
const contractFields = {
  tenant,
  currency: required(readCurrency),
  ...validityFields,
  timeZone: optional(readTimeZone, 'UTC'),
  graceMs: optional(wholeNumber(0, LATENESS_MS), DEFAULT_GRACE_MS),
};

/** A product's id is its sku: a body never names another. */
export function readProductBody(body: unknown, purpose: BodyPurpose): BodyRead<ProductFields> {
  const fields = {
    sku: required(nameOf(SKU_BYTES_MAX)),
    name: required(wordsOf(NAME_LENGTH_MAX)),
  };
  const naming = { ...namingOf(purpose), id: unknownHere };
  return readBody(body, objectOf<ProductFields>({ ...naming, ...fields }));
}

/** @see overlappingPrice for what must be true of it among the others. */
export function readListPriceBody(body: unknown, purpose: BodyPurpose): BodyRead<ListPriceFields> {
  return readBody(body, (value, pointer, problems) => {
    if (!isJsonObject(value)) return problems.add(pointer, 'Must be a JSON object.');
    const own = { ...validityFields, ...namingOf(purpose) };
    const fields = readFields(value, pointer, problems, own);
    const currency = readFields(value, pointer, problems, { currency: required(readCurrency) });
    const names = ['currency', ...Object.keys(own)];
    const price = readPriceIn(value, pointer, problems, currency?.currency, names);
    if (fields === undefined || price === undefined) return undefined;
    checkValidity(fields, pointer, problems);
    if (fields.id === CONTRACT_PRICE_ID) {
      problems.add(`${pointer}/id`, 'The id stands for the prices of contracts.');
    }
    return { ...price, ...fields };
  });
}

/** @see overlappingContract for what must be true of it among the others. */
export function readContractBody(body: unknown, purpose: BodyPurpose): BodyRead<ContractFields> {
  return readBody(body, (value, pointer, problems) => {
    if (!isJsonObject(value)) return problems.add(pointer, 'Must be a JSON object.');
    const own = { ...contractFields, ...namingOf(purpose) };
    refuseUnknown(value, pointer, problems, ['prices', ...Object.keys(own)]);
    const fields = readFields(value, pointer, problems, own);
    const currency = typeof value.currency === 'string' ? value.currency : undefined;
    const prices = readFields(value, pointer, problems, {
      prices: optional(listOf(contractPrice(currency), 0, CONTRACT_PRICES_MAX), []),
    });
    if (fields === undefined || prices === undefined) return undefined;
    checkValidity(fields, pointer, problems);
    checkDistinct(prices.prices, `${pointer}/prices`, problems);
    return { ...fields, ...prices };
  });
}

export function readThresholdBody(body: unknown, purpose: BodyPurpose): BodyRead<ThresholdFields> {
  const fields = { tenant, ...seriesFields, amount: required(readPositive) };
  return readBody(body, objectOf<ThresholdFields>({ ...namingOf(purpose), ...fields }));
}

/** A key is made and revoked, never changed; `now` is ms since the Unix epoch. */
export function readApiKeyBody(body: unknown, now: number): BodyRead<ApiKeyFields> {
  const scopes = listOf(oneOf(API_KEY_SCOPES), 1, API_KEY_SCOPES.length);
  const later: Reader<number> = (value, pointer, problems) => {
    const instant = readInstant(value, pointer, problems);
    if (instant === undefined || instant > now) return instant;
    return problems.add(pointer, 'Must be later than now.');
  };
  const distinct: Reader<ApiKey['scopes']> = (value, pointer, problems) => {
    const read = scopes(value, pointer, problems);
    if (read === undefined || new Set(read).size === read.length) return read;
    return problems.add(pointer, 'Names a scope twice.');
  };
  return readBody(
    body,
    objectOf<ApiKeyFields>({
      tenant,
      name: required(wordsOf(NAME_LENGTH_MAX)),
      scopes: required(distinct),
      expiresAt: optional<number | null>(orNull(later), null),
    }),
  );
}

/** The one member of Naming that a body may have for the purpose; the other is null. */
function namingOf(purpose: BodyPurpose): Fields<Naming> {
  const version = wholeNumber(1, Number.MAX_SAFE_INTEGER);
  return purpose === 'create'
    ? { id: optional<string | null>(readEntryId, null), expectedVersion: unknownHere }
    : { id: unknownHere, expectedVersion: optional<number | null>(version, null) };
}

/** A price of a contract is in the contract's currency, which is why it names none. */
function contractPrice(currency: string | undefined): Reader<Price> {
  return (value, pointer, problems) => readPriceIn(value, pointer, problems, currency, []);
}

function checkValidity(
  { validFrom, validTo }: Pick<Contract, 'validFrom' | 'validTo'>,
  pointer: string,
  problems: Problems,
): void {
  if (validTo === null || validTo > validFrom) return;
  problems.add(`${pointer}/validTo`, 'Must be later than validFrom.');
}

function checkDistinct(prices: readonly Price[], pointer: string, problems: Problems): void {
  const seen = new Set<string>();
  for (const [index, { sku, unit }] of prices.entries()) {
    const key = JSON.stringify([sku, unit]);
    if (seen.has(key)) {
      problems.add(`${pointer}/${index}`, 'Another price has the same sku and unit.');
    }
    seen.add(key);
  }
}
