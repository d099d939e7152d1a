/** A range of the archive where roles run apart: brought back into the ledger, or written to a file. */
import type { ArchiveRange } from '../application/archive/read-archived.ts';
import { readArchivedPulses } from '../application/archive/read-archived-pulses.ts';
import { readArchivedVotes } from '../application/archive/read-archived-votes.ts';
import {
  type ReplayCounts,
  type ReplayReport,
  replayArchive,
} from '../application/archive/replay-archive.ts';
import { PULSE_TABLE, VOTE_TABLE } from '../edge/cli/archive-tables.ts';
import type { ExportTable } from '../edge/cli/export-column.ts';
import { type ExportedFile, exportFile, type FileFormat } from '../edge/cli/export-file.ts';
import type { ArchivedWhat, ArchiveSpan } from '../edge/cli/run-archive.ts';
import type { Archive } from '../ports/archive.ts';
import type { Engines } from './engines.ts';
import { knownLogPlaces } from './log-places.ts';
import { meteringPlaces } from './metering/logs-apart.ts';

type ArchiveEngines = Pick<Engines, 'archive' | 'catalogue' | 'meteringCatalogue' | 'pulseLedger'>;

/** @throws ApuraError `invalid_config`: no archive; and as `replayArchive`. */
export async function replayRange(
  engines: Omit<ArchiveEngines, 'catalogue'>,
  { from, to, partitions }: ArchiveSpan & { readonly partitions: number },
  onPage: (soFar: ReplayCounts) => void,
): Promise<ReplayReport> {
  const logId = await logOfPulses(engines, partitions);
  await using archive = await engines.archive();
  await using ledger = await engines.pulseLedger(logId);
  return await replayArchive({ archive, ledger }, { logId, from, to }, onPage);
}

export interface ExportTarget extends ArchiveSpan {
  readonly what: ArchivedWhat;
  readonly partitions: number;
  readonly format: FileFormat;
  readonly path: string;
}

/**
 * Votes: of all of the installation's logs, one behind the other.
 *
 * @param onPage told after each page how many were read.
 * @throws ApuraError `invalid_config`: no archive, or no log of votes yet; and as the archive, and as
 *   `exportFile`.
 */
export async function exportRange(
  engines: Omit<ArchiveEngines, 'pulseLedger'>,
  target: ExportTarget,
  onPage: (read: number) => void,
): Promise<ExportedFile & { readonly unreadable: number }> {
  const { what, partitions, format, path } = target;
  let unreadable = 0;
  const onUnreadable = (): void => {
    unreadable += 1;
  };
  const write = async <Row>(
    table: ExportTable<Row>,
    logIds: readonly string[],
    read: (archive: Archive, range: ArchiveRange) => AsyncIterable<readonly Row[]>,
  ) => {
    await using archive = await engines.archive();
    const pages = pagesOf(logIds, (logId) => read(archive, { ...target, logId }), onPage);
    return { ...(await exportFile(table, format, pages, path)), unreadable };
  };
  if (what.kind === 'pulses') {
    const logIds = [await logOfPulses(engines, partitions)];
    return await write(PULSE_TABLE, logIds, (archive, range) =>
      readArchivedPulses(archive, range, onUnreadable),
    );
  }
  return await write(VOTE_TABLE, await logsOfVotes(engines), (archive, range) =>
    readArchivedVotes(archive, range, what.poll, onUnreadable),
  );
}

/** Each log's pages, one log behind the other. */
async function* pagesOf<Row>(
  logIds: readonly string[],
  read: (logId: string) => AsyncIterable<readonly Row[]>,
  onPage: (read: number) => void,
): AsyncGenerator<readonly Row[]> {
  let rows = 0;
  for (const logId of logIds) {
    for await (const page of read(logId)) {
      yield page;
      rows += page.length;
      onPage(rows);
    }
  }
}

async function logOfPulses(
  engines: Pick<ArchiveEngines, 'meteringCatalogue'>,
  partitions: number,
): Promise<string> {
  await using catalogue = await engines.meteringCatalogue();
  return (await meteringPlaces(catalogue, partitions)).pulses.settings.logId;
}

async function logsOfVotes({
  catalogue: open,
}: Pick<ArchiveEngines, 'catalogue'>): Promise<readonly string[]> {
  await using catalogue = await open();
  return (await knownLogPlaces(catalogue)).map(({ settings }) => settings.logId);
}
