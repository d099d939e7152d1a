/** Rows as a Parquet file, row group by row group. */
import { fileWriter, parquetWriteRows } from 'hyparquet-writer';
import type { ExportTable } from './export-column.ts';

/** Bounds the memory of an export: a row takes about 1 kB while its row group is made. */
const ROW_GROUP_ROWS = 16_384;

/** Writes them to `path`, over what is there. */
export async function writeParquet<Row>(
  { name, columns }: ExportTable<Row>,
  pages: AsyncIterable<readonly Row[]>,
  path: string,
): Promise<void> {
  await parquetWriteRows({
    writer: fileWriter(path),
    rows: cellsOf(columns, pages),
    columns: columns.map((column) => ({ name: column.name })),
    schema: [{ name, num_children: columns.length }, ...columns.map(({ schema }) => schema)],
    rowGroupSize: ROW_GROUP_ROWS,
    createdBy: 'apura',
  });
}

async function* cellsOf<Row>(
  columns: ExportTable<Row>['columns'],
  pages: AsyncIterable<readonly Row[]>,
) {
  for await (const page of pages) {
    for (const row of page) {
      yield Object.fromEntries(columns.map(({ name, inParquet }) => [name, inParquet(row)]));
    }
  }
}
