/** The pulse: one report of consumption, as a service sends it and as the log holds it. */
import type { Decimal } from '../counting/decimal.ts';

export interface Pulse {
  /** Chosen by the sender, unique with `source` inside the tenant: a pulse sent again has the same. */
  readonly id: string;
  /** The service that reports. */
  readonly source: string;
  readonly tenant: string;
  readonly sku: string;
  /** May be negative: a correction. */
  readonly amount: Decimal;
  readonly unit: string;
  /** When it was consumed, ms since the Unix epoch. */
  readonly occurredAt: number;
  /** Free dimensions, kept with the pulse; usage is not told apart by them. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** What usage is told apart by: amounts of one series may be added up. */
export interface UsageSeries {
  readonly tenant: string;
  readonly sku: string;
  readonly unit: string;
}

/** Bytes of UTF-8; each must be there, and hold no control character. */
export const PULSE_ID_BYTES_MAX = 128;
export const SOURCE_BYTES_MAX = 128;
export const TENANT_BYTES_MAX = 64;
export const SKU_BYTES_MAX = 64;
export const UNIT_BYTES_MAX = 32;
export const ATTRIBUTES_MAX = 16;
export const ATTRIBUTE_NAME_BYTES_MAX = 64;
export const ATTRIBUTE_VALUE_BYTES_MAX = 256;
/** A whole pulse as Protobuf. */
export const PULSE_BYTES_MAX = 8_192;
export const PULSES_PER_REQUEST_MAX = 1_000;

/** Amounts are held as whole numbers of 10^-18; written with up to 20 digits before the point. */
export const AMOUNT_SCALE = 18;
export const AMOUNT_WHOLE_DIGITS_MAX = 20;

/** How far a sender's clock may be ahead, ms. */
export const FUTURE_MS_MAX = 3_600_000;
/** How late a pulse may come without being sent as a backfill, ms. */
export const LATENESS_MS = 35 * 86_400_000;

/** Why a door rejects one pulse of a batch. The others go their way. */
export const PULSE_REJECTIONS = {
  malformed: 'The bytes are not a Pulse message, or a text in it is not UTF-8.',
  id_missing: 'A pulse needs an id of its own: without one, sending it again would count it again.',
  id_too_long: 'The id has more than 128 bytes.',
  source_missing: 'A pulse needs the source that reports it.',
  source_too_long: 'The source has more than 128 bytes.',
  tenant_missing: 'A pulse needs a tenant.',
  tenant_too_long: 'The tenant has more than 64 bytes.',
  tenant_mismatch: 'The API key belongs to another tenant.',
  sku_missing: 'A pulse needs a product_sku.',
  sku_too_long: 'The product_sku has more than 64 bytes.',
  unit_missing: 'A pulse needs a use_unity.',
  unit_too_long: 'The use_unity has more than 32 bytes.',
  control_character: 'A text of the pulse holds a control character.',
  amount_missing: 'A pulse needs a used_amount.',
  amount_invalid:
    'The used_amount is no decimal number such as -12.50: at most 20 digits before the point and 18 behind it, no exponent.',
  occurred_at_missing: 'A pulse needs occurred_at.',
  occurred_at_invalid: 'occurred_at is no time between the years 1970 and 9999.',
  too_old: 'occurred_at lies further back than pulses are taken; a backfill may reach further.',
  in_future: 'occurred_at lies more than an hour ahead of the server clock.',
  too_many_attributes: 'The pulse has more than 16 attributes.',
  attribute_too_long: 'An attribute has an empty name, one over 64 bytes, or a value over 256.',
  pulse_too_large: 'The pulse has more than 8,192 bytes.',
} as const;
export type PulseRejection = keyof typeof PULSE_REJECTIONS;
