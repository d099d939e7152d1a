/** Writes charges and statements as CSV: amounts as numbers, exact, and one line a charge or a step of it. */
import type { Decimal } from '../../domain/counting/decimal.ts';
import { shortest } from '../../domain/counting/exact-decimal.ts';
import { type ZoneOffset, zoneOffset } from '../../domain/counting/time-window.ts';
import type { Charge } from '../../domain/metering/charge.ts';
import type {
  CurrencyTotal,
  Statement,
  StatementLine,
  StatementPeriod,
} from '../../domain/metering/statement.ts';
import { rfc3339Of, zonedRfc3339Of } from '../../domain/voting/rfc3339.ts';
import { type CsvCell, csvLine } from './csv.ts';

const CHARGE_COLUMNS = [
  'id',
  'kind',
  'tenant',
  'contract',
  'periodFrom',
  'periodTo',
  'sku',
  'unit',
  'from',
  'to',
  'quantity',
  'pulses',
  'precise',
  'rounded',
  'currency',
  'priceId',
  'priceVersion',
  'adjustsContract',
  'adjustsFrom',
] as const;

export const CHARGES_CSV_HEAD = csvLine(CHARGE_COLUMNS);

/** Times are in UTC: a list may hold periods of many zones. */
export function chargeCsvLine(charge: Charge): string {
  const { period, series, price, adjusts } = charge;
  return csvLine([
    charge.id,
    charge.kind,
    series.tenant,
    period.contract,
    rfc3339Of(period.from),
    rfc3339Of(period.to),
    series.sku,
    series.unit,
    rfc3339Of(charge.from),
    rfc3339Of(charge.to),
    shortest(charge.quantity),
    charge.pulses,
    shortest(charge.precise),
    charge.rounded,
    charge.currency,
    price.id,
    price.version,
    adjusts?.contract ?? null,
    adjusts === null ? null : rfc3339Of(adjusts.from),
  ]);
}

const STATEMENT_COLUMNS = [
  'section',
  'contract',
  'periodFrom',
  'state',
  'id',
  'kind',
  'sku',
  'unit',
  'from',
  'to',
  'quantity',
  'words',
  'amount',
  'currency',
] as const;

type StatementCells = Partial<Readonly<Record<(typeof STATEMENT_COLUMNS)[number], CsvCell>>>;

/** Lines, each followed by its steps; then totals and what is unpriced. Times on the clocks of the contract. */
export function statementCsv(statement: Statement, zones: ReadonlyMap<string, string>): string {
  const rows = [
    ...statement.periods.flatMap((of) => periodCells(of, zones.get(of.period.contract) ?? 'UTC')),
    ...statement.totals.map((total) => totalCells('total', total)),
    ...statement.unpriced.map(({ series, from, to, quantity, reason }) => ({
      section: 'unpriced',
      sku: series.sku,
      unit: series.unit,
      from: rfc3339Of(from),
      to: rfc3339Of(to),
      quantity: shortest(quantity),
      words: reason,
    })),
  ];
  return csvLine(STATEMENT_COLUMNS) + rows.map(statementCsvLine).join('');
}

function statementCsvLine(cells: StatementCells): string {
  return csvLine(STATEMENT_COLUMNS.map((column) => cells[column] ?? null));
}

function periodCells(
  { period, state, lines, totals }: StatementPeriod,
  timeZone: string,
): readonly StatementCells[] {
  const offsetAt = zoneOffset(timeZone);
  const periodFrom = zonedRfc3339Of(period.from, offsetAt);
  const head = { contract: period.contract, periodFrom, state };
  return [
    ...lines.flatMap((line) => lineCells(line, offsetAt)),
    ...totals.map((total) => totalCells('period_total', total)),
  ].map((cells) => ({ ...head, ...cells }));
}

function lineCells(line: StatementLine, offsetAt: ZoneOffset): readonly StatementCells[] {
  const { id, kind, currency } = line;
  const { sku, unit } = line.series;
  return [
    {
      section: 'line',
      id,
      kind,
      sku,
      unit,
      from: zonedRfc3339Of(line.from, offsetAt),
      to: zonedRfc3339Of(line.to, offsetAt),
      quantity: shortest(line.quantity),
      amount: line.rounded,
      currency,
    },
    ...line.steps.map((step) => ({
      section: 'step',
      id,
      kind: step.kind,
      sku,
      unit,
      quantity: orNull(step.quantity),
      words: step.words,
      amount: shortest(step.amount),
      currency,
    })),
  ];
}

function totalCells(section: string, { amount, currency }: CurrencyTotal): StatementCells {
  return { section, amount, currency };
}

function orNull(value: Decimal | null): Decimal | null {
  return value === null ? null : shortest(value);
}
