/** Group commit as every door has it: one set of bounds, whichever log is behind. */
import { randomBytes } from 'node:crypto';
import {
  BLOCK_DELAY_MS,
  BLOCK_EVENTS_MAX,
  BlockWriter,
  type BlockWriterDeps,
  PENDING_EVENTS_MAX,
} from '../application/counting/block-writer.ts';
import type { LogSettings } from '../domain/counting/log-settings.ts';
import { eventLoop } from './event-loop.ts';

type DoorWriterDeps = Pick<BlockWriterDeps, 'log' | 'clock' | 'onFailure'> & {
  readonly settings: Pick<LogSettings, 'acceptanceBoundMs'>;
};

export function openDoorWriter({ log, clock, onFailure, settings }: DoorWriterDeps): BlockWriter {
  return new BlockWriter({
    log,
    clock,
    loop: eventLoop,
    writerId: randomBytes(8).readBigUInt64LE(),
    limits: {
      blockDelayMs: BLOCK_DELAY_MS,
      blockEventsMax: BLOCK_EVENTS_MAX,
      pendingEventsMax: PENDING_EVENTS_MAX,
      acceptanceBoundMs: settings.acceptanceBoundMs,
    },
    onFailure,
  });
}
