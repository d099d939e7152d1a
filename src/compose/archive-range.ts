/** A range of the archive where roles run apart: brought back into the ledger, or written to a file. */

import type { ArchiveRange } from '../application/archive/read-archived.ts';
import {
  type LoggedPulse,
  readArchivedPulses,
} from '../application/archive/read-archived-pulses.ts';
import {
  type ReplayCounts,
  type ReplayReport,
  replayArchive,
} from '../application/archive/replay-archive.ts';
import { exportPulses, type PulseExport, type PulseFormat } from '../edge/cli/export-pulses.ts';
import type { ArchiveSpan } from '../edge/cli/run-archive.ts';
import type { Engines } from './engines.ts';
import { meteringPlaces } from './metering/logs-apart.ts';

type ArchiveEngines = Pick<Engines, 'meteringCatalogue' | 'archive' | 'pulseLedger'>;

/** @throws ApuraError `invalid_config`: no archive; and as `replayArchive`. */
export async function replayRange(
  engines: ArchiveEngines,
  span: ArchiveSpan & { readonly partitions: number | null },
  onPage: (soFar: ReplayCounts) => void,
): Promise<ReplayReport> {
  const range = await rangeOf(engines, span);
  await using archive = await engines.archive();
  await using ledger = await engines.pulseLedger(range.logId);
  return await replayArchive({ archive, ledger }, range, onPage);
}

/**
 * @param onPage told after each page how many were read.
 * @throws ApuraError `invalid_config`: no archive; and as the archive, and as `exportPulses`.
 */
export async function exportRange(
  engines: Pick<ArchiveEngines, 'meteringCatalogue' | 'archive'>,
  target: ArchiveSpan & {
    readonly partitions: number | null;
    readonly format: PulseFormat;
    readonly path: string;
  },
  onPage: (read: number) => void,
): Promise<PulseExport & { readonly unreadable: number }> {
  const range = await rangeOf(engines, target);
  await using archive = await engines.archive();
  let read = 0;
  let unreadable = 0;
  const pages = async function* (): AsyncGenerator<readonly LoggedPulse[]> {
    const readable = readArchivedPulses(archive, range, () => {
      unreadable += 1;
    });
    for await (const page of readable) {
      yield page;
      read += page.length;
      onPage(read);
    }
  };
  const written = await exportPulses(target.format, pages(), target.path);
  return { ...written, unreadable };
}

/** The range of the installation's log of pulses. */
async function rangeOf(
  engines: Pick<ArchiveEngines, 'meteringCatalogue'>,
  { from, to, partitions }: ArchiveSpan & { readonly partitions: number | null },
): Promise<ArchiveRange> {
  await using catalogue = await engines.meteringCatalogue();
  const { pulses } = await meteringPlaces(catalogue, partitions);
  return { logId: pulses.settings.logId, from, to };
}
