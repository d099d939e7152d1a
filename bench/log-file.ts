/** The event log of a data folder as the bench looks at it: its size on disk, its blocks, its votes. */
import { existsSync, statSync } from 'node:fs';
import { readLogSettings } from '../src/adapters/sqlite/catalogue.ts';
import { openSqliteLogReader } from '../src/adapters/sqlite/event-log.ts';
import { dataPaths } from '../src/compose/data-folder.ts';
import { decodeBlock } from '../src/domain/counting/block.ts';

const READ_BYTES = 4 << 20;

/** Bytes of the log's file and of its write-ahead log. */
export function logFileBytes(folder: string): number {
  const { log } = dataPaths(folder);
  return [log, `${log}-wal`]
    .filter((path) => existsSync(path))
    .reduce((sum, path) => sum + statSync(path).size, 0);
}

export interface LoggedVotes {
  readonly blocks: number;
  readonly votes: number;
  /** Bytes of the blocks alone. */
  readonly bytes: number;
}

/** Reads partition 0 from `from` to its end, checking every block's CRC. */
export async function readLoggedVotes(folder: string, from = 0): Promise<LoggedVotes> {
  const { catalogue, log: path } = dataPaths(folder);
  const settings = readLogSettings(catalogue);
  if (settings === null) throw new Error(`The catalogue in ${folder} knows of no log.`);
  const { logId, partitions } = settings;
  await using log = openSqliteLogReader({ path, logId, partitions });
  let [blocks, votes, bytes, next] = [0, 0, 0, from];
  for (;;) {
    const read = await log.read(0, next, READ_BYTES);
    if (read.length === 0) return { blocks, votes, bytes };
    for (const logged of read) {
      const block = decodeBlock(logged.bytes);
      if (block.kind === 'events') votes += block.count;
      blocks += 1;
      bytes += logged.bytes.length;
      next = logged.offset + 1;
    }
  }
}
