/** Tables as RFC 4180 text. */
export type CsvCell = string | number | null;

/** A spreadsheet runs a cell that begins like this as a formula, so such text gets an apostrophe. */
const FORMULA = /^[=+\-@\t\r]/;

/** Begins with a byte order mark: without it spreadsheets read accents as Latin-1. */
export function toCsv(rows: readonly (readonly CsvCell[])[]): string {
  return `\uFEFF${rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('')}`;
}

function cell(value: CsvCell): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const safe = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
