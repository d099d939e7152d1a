/** Writes rows into a file for analysis: NDJSON, CSV or Parquet. What is not whole never has the file's name. */
import { open, rename, rm, stat } from 'node:fs/promises';
import { csvLine } from '../http/csv.ts';
import type { ExportTable } from './export-column.ts';
import { writeParquet } from './parquet-file.ts';

export const FILE_FORMATS = ['ndjson', 'csv', 'parquet'] as const;
export type FileFormat = (typeof FILE_FORMATS)[number];

export interface ExportedFile {
  readonly rows: number;
  /** Length of the file. */
  readonly bytes: number;
}

/**
 * Writes all pages to `path`, in their order, over what is there. Memory is bounded by a page, in
 * Parquet by a row group. Until all is written and flushed the file is called `path` + `.partial`, and
 * is removed where the pages or the disk fail.
 *
 * @throws what the pages throw, and the errors of the file system.
 */
export async function exportFile<Row>(
  table: ExportTable<Row>,
  format: FileFormat,
  pages: AsyncIterable<readonly Row[]>,
  path: string,
): Promise<ExportedFile> {
  const partial = `${path}.partial`;
  let rows = 0;
  const counted = async function* (): AsyncGenerator<readonly Row[]> {
    for await (const page of pages) {
      rows += page.length;
      yield page;
    }
  };
  try {
    if (format === 'parquet') await writeParquet(table, counted(), partial);
    else await writeTexts(textsOf(table, format, counted()), partial);
    await flush(partial);
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  return { rows, bytes: (await stat(path)).size };
}

async function writeTexts(texts: AsyncIterable<string>, path: string): Promise<void> {
  await using file = await open(path, 'w');
  for await (const text of texts) await file.appendFile(text);
}

async function flush(path: string): Promise<void> {
  await using file = await open(path, 'r+');
  await file.sync();
}

async function* textsOf<Row>(
  { columns }: ExportTable<Row>,
  format: 'ndjson' | 'csv',
  pages: AsyncIterable<readonly Row[]>,
): AsyncGenerator<string> {
  if (format === 'csv') yield csvLine(columns.map(({ name }) => name));
  const line =
    format === 'csv'
      ? (row: Row) => csvLine(columns.map(({ inCsv }) => inCsv(row)))
      : (row: Row) =>
          `${JSON.stringify(Object.fromEntries(columns.map(({ name, inJson }) => [name, inJson(row)])))}\n`;
  for await (const page of pages) yield page.map(line).join('');
}
