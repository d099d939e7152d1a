/** The log thread: owns the log's one writing handle, so that a flush never holds a door up. */
import { openSqliteLog } from '../adapters/sqlite/event-log.ts';
import { runThread } from '../compose/thread-entry.ts';
import type { PartitionBlock } from '../ports/event-log.ts';
import { SharedOffsets } from '../runtime/shared-offsets.ts';

export interface LogThreadSettings {
  readonly path: string;
  readonly logId: string;
  readonly partitions: number;
  /** A slot for the control partition, then one an event partition. */
  readonly ends: SharedArrayBuffer;
  /** As SqliteLogOptions has it. */
  readonly largeBlocks?: boolean;
}

await runThread<LogThreadSettings>(async ({ ends, ...file }) => {
  const log = openSqliteLog({ ...file, ends: new SharedOffsets(ends) });
  return {
    methods: {
      append: (blocks: readonly PartitionBlock[]) => log.appendNow(blocks),
      read: (partition: number, from: number, maxBytes: number) =>
        log.read(partition, from, maxBytes),
      bounds: (partition: number) => log.bounds(partition),
      close: () => log[Symbol.asyncDispose](),
    },
  };
});
