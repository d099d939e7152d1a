/** Writes pulses into a file for analysis: NDJSON, CSV or Parquet. What is not whole never has the file's name. */
import { open, rename, rm, stat } from 'node:fs/promises';
import type { LoggedPulse } from '../../application/archive/read-archived-pulses.ts';
import { formatDecimal } from '../../domain/counting/decimal.ts';
import { rfc3339Of } from '../../domain/voting/rfc3339.ts';
import { csvLine } from '../http/csv.ts';
import { writePulseParquet } from './pulse-parquet.ts';

export const PULSE_FORMATS = ['ndjson', 'csv', 'parquet'] as const;
export type PulseFormat = (typeof PULSE_FORMATS)[number];

export interface PulseExport {
  readonly pulses: number;
  /** Length of the file. */
  readonly bytes: number;
}

const COLUMNS = [
  'key',
  'id',
  'source',
  'tenant',
  'product_sku',
  'used_amount',
  'use_unity',
  'occurred_at',
  'received_at',
  'partition',
  'offset',
  'attributes',
] as const;

/**
 * Writes all pages to `path`, in their order, over what is there. Memory is bounded by a page, in
 * Parquet by a row group. Until all is written and flushed the file is called `path` + `.partial`, and
 * is removed where the pages or the disk fail.
 *
 * @throws what the pages throw, and the errors of the file system.
 */
export async function exportPulses(
  format: PulseFormat,
  pages: AsyncIterable<readonly LoggedPulse[]>,
  path: string,
): Promise<PulseExport> {
  const partial = `${path}.partial`;
  let pulses = 0;
  const counted = async function* (): AsyncGenerator<readonly LoggedPulse[]> {
    for await (const page of pages) {
      pulses += page.length;
      yield page;
    }
  };
  try {
    if (format === 'parquet') await writePulseParquet(counted(), partial);
    else await writeTexts(format === 'csv' ? csvTexts(counted()) : jsonTexts(counted()), partial);
    await flush(partial);
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  return { pulses, bytes: (await stat(path)).size };
}

async function writeTexts(texts: AsyncIterable<string>, path: string): Promise<void> {
  await using file = await open(path, 'w');
  for await (const text of texts) await file.appendFile(text);
}

async function flush(path: string): Promise<void> {
  await using file = await open(path, 'r+');
  await file.sync();
}

async function* jsonTexts(pages: AsyncIterable<readonly LoggedPulse[]>): AsyncGenerator<string> {
  for await (const page of pages) {
    yield page.map((pulse) => `${JSON.stringify(recordOf(pulse))}\n`).join('');
  }
}

async function* csvTexts(pages: AsyncIterable<readonly LoggedPulse[]>): AsyncGenerator<string> {
  yield csvLine(COLUMNS);
  for await (const page of pages) {
    yield page
      .map((pulse) => {
        const record = {
          ...recordOf(pulse),
          used_amount: pulse.pulse.amount,
          attributes: JSON.stringify(pulse.pulse.attributes),
        };
        return csvLine(COLUMNS.map((column) => record[column]));
      })
      .join('');
  }
}

function recordOf({ key, pulse, receivedAt, partition, offset }: LoggedPulse) {
  return {
    key,
    id: pulse.id,
    source: pulse.source,
    tenant: pulse.tenant,
    product_sku: pulse.sku,
    used_amount: formatDecimal(pulse.amount),
    use_unity: pulse.unit,
    occurred_at: rfc3339Of(pulse.occurredAt),
    received_at: rfc3339Of(receivedAt),
    partition,
    offset,
    attributes: pulse.attributes,
  };
}
