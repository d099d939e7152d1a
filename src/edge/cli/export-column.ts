/** The columns of exported files: each says once what it is in NDJSON, in CSV and in Parquet. */
import type { ParquetWriteOptions } from 'hyparquet-writer';
import { type Decimal, formatDecimal } from '../../domain/counting/decimal.ts';
import { AMOUNT_SCALE, AMOUNT_WHOLE_DIGITS_MAX } from '../../domain/metering/pulse.ts';
import { rfc3339Of } from '../../domain/voting/rfc3339.ts';
import type { CsvCell } from '../http/csv.ts';

type SchemaElement = NonNullable<ParquetWriteOptions['schema']>[number];

export interface ExportColumn<Row> {
  readonly name: string;
  readonly inJson: (row: Row) => unknown;
  readonly inCsv: (row: Row) => CsvCell;
  readonly inParquet: (row: Row) => string | number | bigint;
  readonly schema: SchemaElement;
}

/** What a file has of each row. */
export interface ExportTable<Row> {
  /** Of one row, as Parquet names it. */
  readonly name: string;
  readonly columns: readonly ExportColumn<Row>[];
}

/** A decimal of 38 digits. */
const DECIMAL_BYTES = 16;

export function textColumn<Row>(name: string, of: (row: Row) => string): ExportColumn<Row> {
  const schema = { converted_type: 'UTF8', logical_type: { type: 'STRING' } } as const;
  return {
    name,
    inJson: of,
    inCsv: of,
    inParquet: of,
    schema: { ...required(name, 'BYTE_ARRAY'), ...schema },
  };
}

/** `of`: ms since the Unix epoch. */
export function timeColumn<Row>(name: string, of: (row: Row) => number): ExportColumn<Row> {
  const text = (row: Row): string => rfc3339Of(of(row));
  return {
    name,
    inJson: text,
    inCsv: text,
    inParquet: (row) => BigInt(of(row)),
    schema: {
      ...required(name, 'INT64'),
      converted_type: 'TIMESTAMP_MILLIS',
      logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
    },
  };
}

/** A whole number below 2^31. */
export function smallNumberColumn<Row>(name: string, of: (row: Row) => number): ExportColumn<Row> {
  return { name, inJson: of, inCsv: of, inParquet: of, schema: required(name, 'INT32') };
}

/** A whole number. */
export function numberColumn<Row>(name: string, of: (row: Row) => number): ExportColumn<Row> {
  return {
    name,
    inJson: of,
    inCsv: of,
    inParquet: (row) => BigInt(of(row)),
    schema: required(name, 'INT64'),
  };
}

/** An exact amount: its digits as texts, a decimal in Parquet. */
export function amountColumn<Row>(name: string, of: (row: Row) => Decimal): ExportColumn<Row> {
  return {
    name,
    inJson: (row) => formatDecimal(of(row)),
    inCsv: of,
    inParquet(row) {
      const { mantissa, scale } = of(row);
      return mantissa * 10n ** BigInt(AMOUNT_SCALE - scale);
    },
    schema: {
      ...required(name, 'FIXED_LEN_BYTE_ARRAY'),
      type_length: DECIMAL_BYTES,
      converted_type: 'DECIMAL',
      scale: AMOUNT_SCALE,
      precision: AMOUNT_SCALE + AMOUNT_WHOLE_DIGITS_MAX,
    },
  };
}

/** A JSON object; as a text where there are none: readers of Parquet that know no maps know texts. */
export function objectColumn<Row>(
  name: string,
  of: (row: Row) => Readonly<Record<string, string>>,
): ExportColumn<Row> {
  const text = (row: Row): string => JSON.stringify(of(row));
  return {
    name,
    inJson: of,
    inCsv: text,
    inParquet: text,
    schema: { ...required(name, 'BYTE_ARRAY'), converted_type: 'UTF8' },
  };
}

function required(name: string, type: NonNullable<SchemaElement['type']>): SchemaElement {
  return { name, type, repetition_type: 'REQUIRED' };
}
