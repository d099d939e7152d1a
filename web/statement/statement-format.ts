/** Writes a statement's figures as its readers write them, to the last digit. */
import { type ReportFormat, reportFormat } from '../report/report-format.ts';

export interface StatementFormat {
  /** An exact decimal with all the digits that it came with. */
  decimal(text: string): string;
  /** With the currency's code: signs are shared by several. */
  money(text: string, currency: string): string;
  instant(time: string, timeZone: string): string;
  span(window: { readonly from: string; readonly to: string }, timeZone: string): string;
}

/** The runtime formats a text exactly, where a number would be rounded to a double first. */
type NumberText = `${number}`;

export function statementFormat(language: string): StatementFormat {
  const zones = new Map<string, ReportFormat>();
  const inZone = (timeZone: string): ReportFormat => {
    const known = zones.get(timeZone) ?? reportFormat(language, timeZone, []);
    zones.set(timeZone, known);
    return known;
  };
  const numbers = new Map<number, Intl.NumberFormat>();
  const decimal = (text: string): string => {
    const digits = text.split('.')[1]?.length ?? 0;
    const known =
      numbers.get(digits) ??
      new Intl.NumberFormat(language, {
        minimumFractionDigits: Math.min(digits, FRACTION_DIGITS_MAX),
        maximumFractionDigits: FRACTION_DIGITS_MAX,
      });
    numbers.set(digits, known);
    return known.format(text as NumberText).replace('-', '\u2212');
  };
  return {
    decimal,
    money: (text, currency) => `${currency} ${decimal(text)}`,
    instant: (time, timeZone) => inZone(timeZone).instant(time),
    span: ({ from, to }, timeZone) => {
      const { minute } = inZone(timeZone);
      return `${minute(from)} – ${minute(to)}`;
    },
  };
}

/** No runtime formats more; a line has at most the digits of an amount, a price and a discount. */
const FRACTION_DIGITS_MAX = 100;
