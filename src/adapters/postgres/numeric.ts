/** Amounts in the forms that Postgres has for its exact `numeric`: text, and the binary one of COPY. */
import { formatShortest, parseExactDecimal } from '../../domain/counting/exact-decimal.ts';
import { AMOUNT_SCALE } from '../../domain/metering/pulse.ts';
import { textOf, unexpected } from './database.ts';

const NEGATIVE = 0x4000;
/** Digits come in groups of four; five groups hold the AMOUNT_SCALE digits behind the point. */
const GROUP = 4;
const FRACTION_GROUPS = Math.ceil(AMOUNT_SCALE / GROUP);
const FRACTION_FILL = '0'.repeat(FRACTION_GROUPS * GROUP - AMOUNT_SCALE);
/** Up to the AMOUNT_SCALEth: to reckon one takes as long as all else that is done to an amount. */
const POWERS_OF_TEN = Array.from({ length: AMOUNT_SCALE + 1 }, (_, power) => 10n ** BigInt(power));
const ZERO_CODE = '0'.charCodeAt(0);

/** What `writeNumeric` needs at most for an amount of a pulse, with its length in front. */
export const NUMERIC_BYTES_MAX = 4 + 8 + 2 * 12;

/** `amount` (in 10^-AMOUNT_SCALE) as text: `12.5`. */
export function numericText(amount: bigint): string {
  return formatShortest({ mantissa: amount, scale: AMOUNT_SCALE });
}

/** A `numeric` that came as text, in 10^-AMOUNT_SCALE. @throws ApuraError `store_corrupt`: it is none of ours. */
export function amountOf(value: unknown): bigint {
  const number = parseExactDecimal(textOf(value));
  if (number === null) throw unexpected(value);
  const { mantissa, scale } = number;
  const factor = POWERS_OF_TEN[AMOUNT_SCALE - scale];
  if (factor !== undefined) return mantissa * factor;
  const excess = 10n ** BigInt(scale - AMOUNT_SCALE);
  if (mantissa % excess !== 0n) throw unexpected(value);
  return mantissa / excess;
}

/** Writes a field of COPY's binary format, its length in front; returns where it ends. */
export function writeNumeric(bytes: DataView, start: number, amount: bigint): number {
  let text = (amount < 0n ? -amount : amount).toString();
  let decimals = amount === 0n ? 0 : AMOUNT_SCALE;
  let end = text.length;
  while (decimals > 0 && text.charCodeAt(end - 1) === ZERO_CODE)
    [end, decimals] = [end - 1, decimals - 1];
  text += FRACTION_FILL;
  const fill = (GROUP - (text.length % GROUP)) % GROUP;
  const groups = (text.length + fill) / GROUP;
  let count = 0;
  if (amount !== 0n) {
    // Groups of zeros at the end are not written.
    count = Math.ceil((end + fill) / GROUP);
    while (count > 0 && groupAt(text, (count - 1) * GROUP - fill) === 0) count -= 1;
  }
  let at = start + 4;
  bytes.setUint32(start, 8 + 2 * count);
  bytes.setInt16(at, count);
  bytes.setInt16(at + 2, count === 0 ? 0 : groups - FRACTION_GROUPS - 1);
  bytes.setUint16(at + 4, amount < 0n ? NEGATIVE : 0);
  bytes.setUint16(at + 6, decimals);
  at += 8;
  for (let group = 0; group < count; group += 1, at += 2) {
    bytes.setInt16(at, groupAt(text, group * GROUP - fill));
  }
  return at;
}

/** The group of digits that begins here; the first one may begin before the text. */
function groupAt(text: string, start: number): number {
  let value = 0;
  for (let at = Math.max(start, 0); at < start + GROUP; at += 1) {
    value = value * 10 + (text.charCodeAt(at) - ZERO_CODE);
  }
  return value;
}
