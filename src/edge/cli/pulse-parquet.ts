/** Pulses as a Parquet file: exact decimals, times as timestamps, row group by row group. */
import { fileWriter, type ParquetWriteOptions, parquetWriteRows } from 'hyparquet-writer';
import type { LoggedPulse } from '../../application/archive/read-archived-pulses.ts';
import { AMOUNT_SCALE, AMOUNT_WHOLE_DIGITS_MAX } from '../../domain/metering/pulse.ts';

type SchemaElement = NonNullable<ParquetWriteOptions['schema']>[number];

/** Bounds the memory of an export: a pulse takes about 1 kB while its row group is made. */
const ROW_GROUP_ROWS = 16_384;
/** A decimal of 38 digits. */
const DECIMAL_BYTES = 16;

const text = (name: string): SchemaElement => ({
  ...required(name, 'BYTE_ARRAY'),
  converted_type: 'UTF8',
  logical_type: { type: 'STRING' },
});
const time = (name: string): SchemaElement => ({
  ...required(name, 'INT64'),
  converted_type: 'TIMESTAMP_MILLIS',
  logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
});

const COLUMNS: readonly SchemaElement[] = [
  text('key'),
  text('id'),
  text('source'),
  text('tenant'),
  text('product_sku'),
  {
    ...required('used_amount', 'FIXED_LEN_BYTE_ARRAY'),
    type_length: DECIMAL_BYTES,
    converted_type: 'DECIMAL',
    scale: AMOUNT_SCALE,
    precision: AMOUNT_SCALE + AMOUNT_WHOLE_DIGITS_MAX,
  },
  text('use_unity'),
  time('occurred_at'),
  time('received_at'),
  required('partition', 'INT32'),
  required('offset', 'INT64'),
  // A JSON object: readers that know no maps know texts.
  { ...required('attributes', 'BYTE_ARRAY'), converted_type: 'UTF8' },
];
const SCHEMA: SchemaElement[] = [{ name: 'pulse', num_children: COLUMNS.length }, ...COLUMNS];

function required(name: string, type: NonNullable<SchemaElement['type']>): SchemaElement {
  return { name, type, repetition_type: 'REQUIRED' };
}

/** Writes them to `path`, over what is there. */
export async function writePulseParquet(
  pages: AsyncIterable<readonly LoggedPulse[]>,
  path: string,
): Promise<void> {
  await parquetWriteRows({
    writer: fileWriter(path),
    rows: rowsOf(pages),
    columns: COLUMNS.map(({ name }) => ({ name })),
    schema: SCHEMA,
    rowGroupSize: ROW_GROUP_ROWS,
    createdBy: 'apura',
  });
}

async function* rowsOf(pages: AsyncIterable<readonly LoggedPulse[]>) {
  for await (const page of pages) {
    for (const { key, pulse, receivedAt, partition, offset } of page) {
      const { mantissa, scale } = pulse.amount;
      yield {
        key,
        id: pulse.id,
        source: pulse.source,
        tenant: pulse.tenant,
        product_sku: pulse.sku,
        used_amount: mantissa * 10n ** BigInt(AMOUNT_SCALE - scale),
        use_unity: pulse.unit,
        occurred_at: BigInt(pulse.occurredAt),
        received_at: BigInt(receivedAt),
        partition,
        offset: BigInt(offset),
        attributes: JSON.stringify(pulse.attributes),
      };
    }
  }
}
