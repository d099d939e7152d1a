/** A log of pulses and its archive in memory, for tests of what moves pulses between them. */
import { MemoryArchive } from '../../src/adapters/memory/archive.ts';
import { MemoryEventLog, MemoryLogStore } from '../../src/adapters/memory/event-log.ts';
import { encodePulseBlock } from '../../src/domain/counting/block.ts';
import type { Archive } from '../../src/ports/archive.ts';
import type { EventLog } from '../../src/ports/event-log.ts';
import { LOG_ID } from '../../src/ports/store-under-test.ts';
import { encodedPulse } from './pulse-bytes.ts';
import { type LoggedPulse, NOON } from './pulse-samples.ts';

export const WRITER = { writerId: 1n, sequence: 0 };

export interface ArchiveRoom {
  readonly store: MemoryLogStore;
  readonly log: EventLog;
  readonly archive: Archive;
  /** Appends one block of these pulses. */
  append(partition: number, pulses: readonly LoggedPulse[]): Promise<void>;
  /** The offsets of all that is archived, in the archive's order. */
  archived(): Promise<readonly number[]>;
}

export function archiveRoom(partitions = 2): ArchiveRoom {
  const store = new MemoryLogStore(LOG_ID, partitions);
  const log = new MemoryEventLog(store);
  const archive = new MemoryArchive();
  return {
    store,
    log,
    archive,
    async append(partition, pulses) {
      await log.append([{ partition, bytes: pulseBlock(partition, pulses) }]);
    },
    async archived() {
      const pages = await Array.fromAsync(archive.read(LOG_ID, 0, Number.MAX_SAFE_INTEGER));
      return pages.flat().map(({ offset }) => offset);
    },
  };
}

function pulseBlock(partition: number, pulses: readonly LoggedPulse[]): Uint8Array {
  const messages = pulses.map(({ pulse }) => encodedPulse(pulse));
  return framedBlock(partition, messages);
}

/** A block of these messages, be they pulses or not, received at NOON. */
export function framedBlock(partition: number, messages: readonly Uint8Array[]): Uint8Array {
  const payload = messages.flatMap((message) => {
    const { length } = message;
    return [...(length < 128 ? [length] : [(length % 128) + 128, length >> 7]), ...message];
  });
  return encodePulseBlock(partition, NOON, WRITER, messages.length, Uint8Array.from(payload));
}
