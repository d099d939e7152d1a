/** Group commit of pulses as every door has it: one set of bounds, whichever log is behind. */
import {
  PENDING_PULSE_BYTES_MAX,
  PENDING_PULSES_MAX,
  PULSE_BATCH_BYTES_MAX,
  PULSE_BATCH_DELAY_MS,
  PulseWriter,
  type PulseWriterDeps,
} from '../../application/metering/pulse-writer.ts';
import type { LogSettings } from '../../domain/counting/log-settings.ts';
import { eventLoop } from '../event-loop.ts';
import { newWriterId } from './jobs.ts';

type Deps = Pick<PulseWriterDeps, 'log' | 'clock' | 'onFailure'> & {
  readonly settings: Pick<LogSettings, 'acceptanceBoundMs'>;
};

export function openPulseWriter({ log, clock, onFailure, settings }: Deps): PulseWriter {
  return new PulseWriter({
    log,
    clock,
    loop: eventLoop,
    writerId: newWriterId(),
    limits: {
      batchDelayMs: PULSE_BATCH_DELAY_MS,
      batchBytesMax: PULSE_BATCH_BYTES_MAX,
      pendingPulsesMax: PENDING_PULSES_MAX,
      pendingBytesMax: PENDING_PULSE_BYTES_MAX,
      acceptanceBoundMs: settings.acceptanceBoundMs,
    },
    onFailure,
  });
}
