/** Writes usage as JSON and CSV: one row a window and series, amounts to the last digit. */

import type {
  UsageAnswer,
  UsageAnswerRow,
  UsageQuestion,
} from '../../application/metering/query-usage.ts';
import type { Decimal } from '../../domain/counting/decimal.ts';
import { formatShortest, shortest } from '../../domain/counting/exact-decimal.ts';
import { zoneOffset } from '../../domain/counting/time-window.ts';
import { AMOUNT_SCALE } from '../../domain/metering/pulse.ts';
import { rfc3339Of, zonedRfc3339Of } from '../../domain/voting/rfc3339.ts';
import { csvLine } from './csv.ts';

type Answered = Extract<UsageAnswer, { readonly kind: 'ok' }>;

export function usageJson(question: UsageQuestion, { rows, asOf }: Answered) {
  return {
    from: rfc3339Of(question.from),
    to: rfc3339Of(question.to),
    granularity: question.granularity,
    time_zone: question.timeZone,
    as_of: rfc3339Of(asOf),
    data: rows.map((row) => ({
      from: rfc3339Of(row.from),
      to: rfc3339Of(row.to),
      value: formatShortest(amount(row.sum)),
      unit: row.unit,
      count: row.count,
      min: formatShortest(amount(row.min)),
      max: formatShortest(amount(row.max)),
      last: formatShortest(amount(row.last)),
      dimensions: dimensionsOf(row),
    })),
  };
}

/** Times stand on the clocks of the question's zone, with their distance from UTC. */
export function usageCsv({ timeZone }: UsageQuestion, { rows }: Answered): string {
  const offsetAt = zoneOffset(timeZone);
  const lines = rows.map((row) =>
    csvLine([
      zonedRfc3339Of(row.from, offsetAt),
      zonedRfc3339Of(row.to, offsetAt),
      row.tenant,
      row.sku,
      row.unit,
      amount(row.sum),
      row.count,
      amount(row.min),
      amount(row.max),
      amount(row.last),
    ]),
  );
  return csvLine(COLUMNS) + lines.join('');
}

const COLUMNS = [
  'from',
  'to',
  'tenant',
  'sku',
  'unit',
  'value',
  'count',
  'min',
  'max',
  'last',
] as const;

/** Those that the question tells rows apart by. */
function dimensionsOf({ tenant, sku }: UsageAnswerRow) {
  return { ...(tenant === null ? {} : { tenant }), ...(sku === null ? {} : { sku }) };
}

function amount(mantissa: bigint): Decimal {
  return shortest({ mantissa, scale: AMOUNT_SCALE });
}
