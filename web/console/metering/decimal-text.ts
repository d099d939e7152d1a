/** Exact decimals as the API writes them, `"0.05"`: read, compared, added and shown without becoming a Number. */

/** As long as the API takes them: 38 digits, 18 of them behind the point. */
const DIGITS_MAX = 38;
const SCALE_MAX = 18;
const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/;

/**
 * What somebody typed, as the API's text. Both a comma and a point may stand before the decimals, spaces are
 * dropped. Null where it is no number, or could be read in two ways: `1.000` where the language writes
 * thousands so.
 */
export function typedDecimal(typed: string, lang: string): string | null {
  const { point, group } = separatorsOf(lang);
  const text = typed.replaceAll(/[\s\u00a0\u202f]/g, '').replace('\u2212', '-');
  const isGrouped = text.includes(group) && /^-?[1-9]\d{0,2}[.,]\d{3}$/.test(text);
  if (group !== point && isGrouped) return null;
  const match = DECIMAL.exec(text.replace(',', '.'));
  if (match === null) return null;
  const [, sign = '', whole = '', fraction = ''] = match;
  if (fraction.length > SCALE_MAX || whole.length + fraction.length > DIGITS_MAX) return null;
  const digits = whole.replace(/^0+(?=\d)/, '');
  return `${sign}${digits}${fraction === '' ? '' : `.${fraction}`}`;
}

/** For a field to be changed: the language's point, and no thousands. */
export function editedDecimal(text: string, lang: string): string {
  return text.replace('.', separatorsOf(lang).point);
}

/** Below 0, 0 or above 0 as `left` is less than, equal to or more than `right`. */
export function compareDecimals(left: string, right: string): number {
  const [a, b] = aligned([left, right]).mantissas;
  if (a === undefined || b === undefined || a === b) return 0;
  return a < b ? -1 : 1;
}

/** The exact sum; `"0"` of none. */
export function sumOfDecimals(texts: readonly string[]): string {
  const { mantissas, scale } = aligned(texts);
  const sum = mantissas.reduce((total, mantissa) => total + mantissa, 0n);
  const sign = sum < 0n ? '-' : '';
  const digits = String(sum < 0n ? -sum : sum).padStart(scale + 1, '0');
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '');
  const whole = digits.slice(0, digits.length - scale);
  return `${sign}${whole}${scale === 0 || fraction === '' ? '' : `.${fraction}`}`;
}

/** With the language's separators and every digit that is there: `1234.50` as `1.234,50`. */
export function decimalShown(text: string, lang: string): string {
  const match = DECIMAL.exec(text);
  if (match === null) return text;
  const [, sign = '', whole = '0', fraction = ''] = match;
  const parts = separatorsOf(lang);
  const shown = parts.whole.format(BigInt(whole));
  const minus = sign === '' ? '' : '−';
  return `${minus}${shown}${fraction === '' ? '' : `${parts.point}${fraction}`}`;
}

/** The same with a plus before what is above 0: for differences. */
export function signedShown(text: string, lang: string): string {
  return /^-|^[0.]*$/.test(text) ? decimalShown(text, lang) : `+${decimalShown(text, lang)}`;
}

/** How high to draw it: the one place where digits may be lost. */
export function drawnHeight(text: string): number {
  return Number(text);
}

interface Separators {
  readonly whole: Intl.NumberFormat;
  readonly point: string;
  readonly group: string;
}

const SEPARATORS = new Map<string, Separators>();

function separatorsOf(lang: string): Separators {
  const known = SEPARATORS.get(lang);
  if (known !== undefined) return known;
  const parts = new Intl.NumberFormat(lang).formatToParts(123_456.5);
  const separator = (type: 'decimal' | 'group') =>
    parts.find((part) => part.type === type)?.value ?? '';
  const made = {
    whole: new Intl.NumberFormat(lang, { maximumFractionDigits: 0 }),
    point: separator('decimal'),
    group: separator('group'),
  };
  SEPARATORS.set(lang, made);
  return made;
}

function aligned(texts: readonly string[]): {
  readonly mantissas: readonly bigint[];
  readonly scale: number;
} {
  const parts = texts.map((text) => {
    const [, sign = '', whole = '0', fraction = ''] = DECIMAL.exec(text) ?? [];
    return { sign, whole, fraction };
  });
  const scale = Math.max(0, ...parts.map(({ fraction }) => fraction.length));
  const mantissas = parts.map(({ sign, whole, fraction }) => {
    const mantissa = BigInt(`${whole}${fraction.padEnd(scale, '0')}`);
    return sign === '' ? mantissa : -mantissa;
  });
  return { mantissas, scale };
}
