/** CSV after RFC 4180 that a spreadsheet reads as text, not as formulas. */
import { type Decimal, formatDecimal } from '../../domain/counting/decimal.ts';

const LINE_END = '\r\n';
/** What spreadsheets take for the beginning of a formula, or for something that hides one. */
const FORMULA_START = /^[=+\-@\t\r\n|]/;

export type CsvCell = string | number | boolean | Decimal | null;

/** One line with its end. Null is an empty cell. */
export function csvLine(cells: readonly CsvCell[]): string {
  return cells.map(csvCell).join(',') + LINE_END;
}

function csvCell(cell: CsvCell): string {
  if (cell === null) return '';
  // Numbers are ours; only text can have been written by somebody with intentions.
  if (typeof cell === 'object') return formatDecimal(cell);
  if (typeof cell !== 'string') return String(cell);
  const text = FORMULA_START.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
