/**
 * Exact decimal numbers for amounts and money: 38 significant digits, at most 18 of them behind the
 * point. A whole mantissa and a scale: value = mantissa / 10^scale. Never a binary fraction.
 */
export interface Decimal {
  readonly mantissa: bigint;
  /** Digits behind the point, 0 to SCALE_MAX. `1.50` and `1.5` are equal numbers of different scale. */
  readonly scale: number;
}

/**
 * What becomes of the digits that a smaller scale has no room for.
 * - `half-even`: to the nearest, a half to the even digit: sums of many do not drift.
 * - `half-up`: to the nearest, a half away from zero: as invoices are rounded.
 */
export type Rounding = 'half-even' | 'half-up';

export const DIGITS_MAX = 38;
export const SCALE_MAX = 18;

const MANTISSA_LIMIT = 10n ** BigInt(DIGITS_MAX);
const POWERS_OF_TEN: readonly bigint[] = Array.from(
  { length: 2 * SCALE_MAX + 1 },
  (_, exponent) => 10n ** BigInt(exponent),
);
const DECIMAL = /^(-?)(\d{1,38})(?:\.(\d{1,18}))?$/;

export const ZERO: Decimal = { mantissa: 0n, scale: 0 };

/** A whole number as a decimal; null where it has more than DIGITS_MAX digits. */
export function decimalOf(whole: bigint): Decimal | null {
  return bounded(whole, 0);
}

/**
 * Reads `-12.340` and keeps its scale. Null for anything else: no exponent, no plus sign, no digit
 * missing before or behind the point, nothing that would not fit.
 */
export function parseDecimal(text: string): Decimal | null {
  const match = DECIMAL.exec(text);
  if (match === null) return null;
  const [, sign, whole = '', fraction = ''] = match;
  const mantissa = BigInt(whole + fraction);
  return bounded(sign === '-' ? -mantissa : mantissa, fraction.length);
}

/** The number with all the digits of its scale: `-12.340`. Zero has no sign. */
export function formatDecimal({ mantissa, scale }: Decimal): string {
  const sign = mantissa < 0n ? '-' : '';
  const digits = absolute(mantissa)
    .toString()
    .padStart(scale + 1, '0');
  if (scale === 0) return sign + digits;
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** The exact sum, in the larger of the two scales; null where it does not fit. */
export function addDecimals(left: Decimal, right: Decimal): Decimal | null {
  const scale = Math.max(left.scale, right.scale);
  return bounded(mantissaAt(left, scale) + mantissaAt(right, scale), scale);
}

export function negateDecimal({ mantissa, scale }: Decimal): Decimal {
  return { mantissa: -mantissa, scale };
}

/**
 * The product in `scale`, rounded once from the exact product; in the sum of both scales, up to
 * SCALE_MAX, where no scale is named. Null where it does not fit.
 */
export function multiplyDecimals(
  left: Decimal,
  right: Decimal,
  rounding: Rounding,
  scale: number = Math.min(left.scale + right.scale, SCALE_MAX),
): Decimal | null {
  const exactScale = left.scale + right.scale;
  return rescaled(left.mantissa * right.mantissa, exactScale, scale, rounding);
}

/** The number in another scale. Null where it does not fit. */
export function rescaleDecimal(
  { mantissa, scale }: Decimal,
  newScale: number,
  rounding: Rounding,
): Decimal | null {
  return rescaled(mantissa, scale, newScale, rounding);
}

/** Below, at or above zero as `left` is less than, equal to or greater than `right`. */
export function compareDecimals(left: Decimal, right: Decimal): -1 | 0 | 1 {
  const scale = Math.max(left.scale, right.scale);
  const difference = mantissaAt(left, scale) - mantissaAt(right, scale);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

function rescaled(
  mantissa: bigint,
  scale: number,
  newScale: number,
  rounding: Rounding,
): Decimal | null {
  if (newScale >= scale) return bounded(mantissa * powerOfTen(newScale - scale), newScale);
  return bounded(divided(mantissa, powerOfTen(scale - newScale), rounding), newScale);
}

/** `dividend / divisor` as a whole number; the divisor is positive and even. */
function divided(dividend: bigint, divisor: bigint, rounding: Rounding): bigint {
  const quotient = dividend / divisor; // towards zero
  const remainder = absolute(dividend % divisor);
  const half = divisor / 2n;
  const isAwayFromZero =
    remainder > half ||
    (remainder === half && (rounding === 'half-up' || absolute(quotient) % 2n === 1n));
  if (!isAwayFromZero) return quotient;
  return dividend < 0n ? quotient - 1n : quotient + 1n;
}

function mantissaAt({ mantissa, scale }: Decimal, newScale: number): bigint {
  return mantissa * powerOfTen(newScale - scale);
}

function bounded(mantissa: bigint, scale: number): Decimal | null {
  const fits = scale >= 0 && scale <= SCALE_MAX && absolute(mantissa) < MANTISSA_LIMIT;
  return fits ? { mantissa, scale } : null;
}

function powerOfTen(exponent: number): bigint {
  return POWERS_OF_TEN[exponent] ?? 10n ** BigInt(exponent);
}

function absolute(value: bigint): bigint {
  return value < 0n ? -value : value;
}
