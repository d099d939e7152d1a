/**
 * Exact arithmetic on decimals of any size, for a reckoning that is rounded once at its end: nothing here
 * refuses or cuts a digit, save where a function says so.
 */
import { type Decimal, DIGITS_MAX, formatDecimal, SCALE_MAX } from './decimal.ts';

const EXACT = /^(-?)(\d{1,400})(?:\.(\d{1,400}))?$/;
const LIMIT = 10n ** BigInt(DIGITS_MAX);

/** The exact sum of all of them; zero of none. */
export function exactSum(...terms: readonly Decimal[]): Decimal {
  const scale = Math.max(0, ...terms.map((term) => term.scale));
  const mantissa = terms.reduce((sum, term) => sum + mantissaAt(term, scale), 0n);
  return shortest({ mantissa, scale });
}

export function exactDifference(left: Decimal, right: Decimal): Decimal {
  return exactSum(left, { mantissa: -right.mantissa, scale: right.scale });
}

export function exactProduct(left: Decimal, right: Decimal): Decimal {
  return shortest({ mantissa: left.mantissa * right.mantissa, scale: left.scale + right.scale });
}

/** The number with no more digits behind the point than it needs: `1.50` as `1.5`, `20.00` as `20`. */
export function shortest({ mantissa, scale }: Decimal): Decimal {
  let [digits, left] = [mantissa, scale];
  while (left > 0 && digits % 10n === 0n) [digits, left] = [digits / 10n, left - 1];
  return { mantissa: digits, scale: left };
}

/** In exactly `scale` digits behind the point, a half away from zero. */
export function roundedHalfUp({ mantissa, scale }: Decimal, newScale: number): Decimal {
  if (newScale >= scale) {
    return { mantissa: mantissaAt({ mantissa, scale }, newScale), scale: newScale };
  }
  return { mantissa: nearest(mantissa, powerOfTen(scale - newScale)), scale: newScale };
}

/** `dividend / divisor` to `scale` digits behind the point, a half away from zero; the divisor is above 0. */
export function quotientHalfUp(dividend: Decimal, divisor: Decimal, scale: number): Decimal {
  const finest = Math.max(dividend.scale, divisor.scale);
  const [above, below] = [mantissaAt(dividend, finest + scale), mantissaAt(divisor, finest)];
  return { mantissa: nearest(above, below), scale };
}

/** How many of `divisor` it takes to hold `dividend`: a whole number; neither is below 0, the divisor above. */
export function ceilingQuotient(dividend: Decimal, divisor: Decimal): Decimal {
  const scale = Math.max(dividend.scale, divisor.scale);
  const [above, below] = [mantissaAt(dividend, scale), mantissaAt(divisor, scale)];
  return { mantissa: (above + below - 1n) / below, scale: 0 };
}

/** Whether the number is one that Apura takes in and keeps: DIGITS_MAX digits, SCALE_MAX behind the point. */
export function fitsDecimal(value: Decimal): boolean {
  const { mantissa, scale } = shortest(value);
  return scale <= SCALE_MAX && mantissa < LIMIT && -mantissa < LIMIT;
}

/** Reads what `formatDecimal` writes, of up to 400 digits on each side of the point; null for anything else. */
export function parseExactDecimal(text: string): Decimal | null {
  const match = EXACT.exec(text);
  if (match === null) return null;
  const [, sign, whole = '', fraction = ''] = match;
  const mantissa = BigInt(whole + fraction);
  return { mantissa: sign === '-' ? -mantissa : mantissa, scale: fraction.length };
}

/** As people write it, with no zeros that say nothing: `12.5`. */
export function formatShortest(value: Decimal): string {
  return formatDecimal(shortest(value));
}

/** `above / below` as a whole number, a half away from zero; `below` is above 0. */
function nearest(above: bigint, below: bigint): bigint {
  const doubled = 2n * (above < 0n ? -above : above) + below;
  const quotient = doubled / (2n * below);
  return above < 0n ? -quotient : quotient;
}

function mantissaAt({ mantissa, scale }: Decimal, newScale: number): bigint {
  return mantissa * powerOfTen(newScale - scale);
}

function powerOfTen(exponent: number): bigint {
  return 10n ** BigInt(exponent);
}
