/** Amounts as whole numbers of 10^-AMOUNT_SCALE: exact, and added up without looking at a point. */
import type { Decimal } from '../counting/decimal.ts';
import { AMOUNT_SCALE } from './pulse.ts';

const ONE = 10n ** BigInt(AMOUNT_SCALE);
const POWERS: readonly bigint[] = Array.from(
  { length: AMOUNT_SCALE + 1 },
  (_, exponent) => 10n ** BigInt(exponent),
);
/** As many digits as a double holds in any case. */
const DOUBLE_DIGITS = 15;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const AMOUNT = /^(-?)(\d+)(?:\.(\d{1,18}))?$/;
const ascii = new TextDecoder();

/** The amount that is written in `bytes[start, end)`, which a PulseReader has accepted. */
export function readAmount(bytes: Uint8Array, start: number, end: number): bigint {
  if (end - start > DOUBLE_DIGITS)
    return parseAmount(ascii.decode(bytes.subarray(start, end))) ?? 0n;
  const isNegative = bytes[start] === MINUS;
  let value = 0;
  let point = end - 1;
  for (let at = isNegative ? start + 1 : start; at < end; at += 1) {
    const byte = bytes[at] as number;
    if (byte === POINT) point = at;
    else value = value * 10 + (byte - ZERO);
  }
  const places = end - 1 - point;
  return BigInt(isNegative ? -value : value) * (POWERS[AMOUNT_SCALE - places] as bigint);
}

/** Reads `-12.340`, of any size; null for anything else, also with more than AMOUNT_SCALE digits behind the point. */
export function parseAmount(text: string): bigint | null {
  const match = AMOUNT.exec(text);
  if (match === null) return null;
  const [, sign, whole = '', fraction = ''] = match;
  const amount = BigInt(whole + fraction.padEnd(AMOUNT_SCALE, '0'));
  return sign === '-' ? -amount : amount;
}

/** Without zeros that say nothing: `-12.34`, `0`, `1000`. */
export function formatAmount(amount: bigint): string {
  const size = amount < 0n ? -amount : amount;
  const fraction = String(size % ONE)
    .padStart(AMOUNT_SCALE, '0')
    .replace(/0+$/, '');
  const number = fraction === '' ? String(size / ONE) : `${size / ONE}.${fraction}`;
  return amount < 0n ? `-${number}` : number;
}

export function amountOf({ mantissa, scale }: Decimal): bigint {
  return mantissa * (POWERS[AMOUNT_SCALE - scale] as bigint);
}
