/** The event log as the main thread has it: appended to and read in the log thread, its ends shared. */
import type { EventLog, LogDescription } from '../ports/event-log.ts';
import type { RemoteCalls } from '../runtime/remote-calls.ts';
import type { SharedOffsets } from '../runtime/shared-offsets.ts';

const CHECK_MS = 1_000;

/** `ends`: slot 0 the control partition, then the event partitions. */
export function remoteLog(
  description: LogDescription,
  calls: RemoteCalls,
  ends: SharedOffsets,
): EventLog {
  return {
    description,
    append: (blocks) =>
      calls.call(
        'append',
        [blocks],
        // Sealed blocks have their buffers to themselves: they move instead of being copied.
        blocks.map(({ bytes }) => bytes.buffer as ArrayBuffer),
      ) as ReturnType<EventLog['append']>,
    read: (partition, from, maxBytes) =>
      calls.call('read', [partition, from, maxBytes]) as ReturnType<EventLog['read']>,
    bounds: (partition) => calls.call('bounds', [partition]) as ReturnType<EventLog['bounds']>,
    async changed(positions, signal) {
      for (;;) {
        const seen = ends.changes;
        if (signal.aborted || positions.some((at) => ends.get(at.partition + 1) > at.offset))
          return;
        await ends.announced(seen, CHECK_MS);
      }
    },
    async [Symbol.asyncDispose]() {},
  };
}
