/** The bench's log of pulses on SQLite: where it lies, and what it comes to by the program's own fold. */
import { existsSync, statSync } from 'node:fs';
import { openSqliteLogReader } from '../src/adapters/sqlite/event-log.ts';
import { readPulseBatches } from '../src/application/metering/pulse-batches.ts';
import { dataPaths } from '../src/compose/data-folder.ts';
import { sha256 } from '../src/compose/metering/jobs.ts';
import { START } from '../src/domain/counting/checkpoint.ts';
import { systemClock } from '../src/runtime/system-clock.ts';

/** As `serve` makes it. */
export const PULSE_LOG = { logId: 'bench', partitions: 1 } as const;

const STEP_BYTES = 2 << 20;

export function pulseLogOptions(folder: string) {
  return { ...PULSE_LOG, path: dataPaths(folder).pulseLog, largeBlocks: true };
}

export interface FoldedPulses {
  readonly pulses: number;
  /** In whole numbers of 10^-18. */
  readonly sum: bigint;
  readonly blocks: number;
  /** Of the blocks. */
  readonly bytes: number;
  /** Of the log's file and of its write-ahead log. */
  readonly fileBytes: number;
}

/** Reads all of the log as the aggregation does. @throws where anything in it is no pulse. */
export async function foldPulseLog(folder: string): Promise<FoldedPulses> {
  const options = pulseLogOptions(folder);
  await using log = openSqliteLogReader(options);
  const { end } = await log.bounds(0);
  const source = {
    ...{ log, logId: options.logId, partition: 0, stepBytesMax: STEP_BYTES },
    ...{ clock: systemClock, sha256 },
  };
  let [pulses, bytes, sum] = [0, 0, 0n];
  for await (const batch of readPulseBatches(source, START, end)) {
    const { totals, deadLetters } = batch.step;
    if (deadLetters.length > 0) throw new Error(`No pulse: ${deadLetters[0]?.message}`);
    bytes += batch.bytes;
    for (const total of totals) {
      pulses += total.count;
      sum += total.sum;
    }
  }
  const fileBytes = [options.path, `${options.path}-wal`]
    .filter((path) => existsSync(path))
    .reduce((all, path) => all + statSync(path).size, 0);
  return { pulses, sum, blocks: end, bytes, fileBytes };
}
