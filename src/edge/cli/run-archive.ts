/** `apura archive-replay` and `archive-export`: a range of the archive back into the ledger, or into a file. */
import { existsSync } from 'node:fs';
import type { ReplayCounts, ReplayReport } from '../../application/archive/replay-archive.ts';
import { ApuraError } from '../../domain/errors.ts';
import { instantOf } from '../../domain/voting/rfc3339.ts';
import type { CliIo, ExitCode } from './cli-io.ts';
import { type ExportedFile, FILE_FORMATS, type FileFormat } from './export-file.ts';
import { choiceFlag, optionalTextFlag, switchFlag } from './flag.ts';
import { runCommand } from './run-command.ts';
import { givenSettings, SETTINGS_NOTE, type Setting, settingFlags } from './setting-flags.ts';
import { textTable } from './text-table.ts';

type Values = Readonly<Record<string, string>>;

/** Pulses that occurred, or votes that were accepted, in `[from, to)`, ms since the Unix epoch. */
export interface ArchiveSpan {
  readonly from: number;
  readonly to: number;
}

/** Brings a range back. `onPage` is told how far it has got. @throws ApuraError where it can't. */
export type ReplayRange = (
  settings: Values,
  span: ArchiveSpan,
  onPage: (soFar: ReplayCounts) => void,
) => Promise<ReplayReport>;

/** Pulses, or votes: of one poll, or of every (null). */
export type ArchivedWhat =
  | { readonly kind: 'pulses' }
  | { readonly kind: 'votes'; readonly poll: string | null };

/** Writes a range to the file `path`. `onPage` is told how many are read. @throws ApuraError where it can't. */
export type ExportRange = (
  settings: Values,
  target: ArchiveSpan & {
    readonly what: ArchivedWhat;
    readonly format: FileFormat;
    readonly path: string;
  },
  onPage: (read: number) => void,
) => Promise<ExportedFile & { readonly unreadable: number }>;

const EVER: ArchiveSpan = { from: 0, to: Number.MAX_SAFE_INTEGER };

const toFlag = optionalTextFlag('and before this one', 'TIME');

const EXAMPLE = '--from 2026-10-01T00:00:00Z --to 2026-11-01T00:00:00Z';

export function runArchiveReplay(
  argv: readonly string[],
  io: CliIo,
  places: readonly Setting[],
  replayRange: ReplayRange,
): Promise<ExitCode> {
  const command = {
    name: 'apura archive-replay',
    summary: 'Brings pulses that the ledger has lost or forgotten back from the archive.',
    flags: {
      from: optionalTextFlag('pulses that occurred at this time or later, RFC 3339', 'TIME'),
      to: toFlag,
      ...settingFlags(places),
    },
    notes:
      `Example: apura archive-replay ${EXAMPLE}\n` +
      'Beside roles that run on. Usage does not move; it may be stopped and repeated. ' +
      SETTINGS_NOTE,
  };
  return runCommand(command, argv, io, async ({ from, to, ...values }) => {
    const span = spanOf(from, to);
    const progress = watched(io);
    const stopped = 'Stopped. What is restored stays; run it again to go on.';
    return unlessStopped(io, stopped, async () => {
      const report = await replayRange(givenSettings(places, values), span, ({ read, restored }) =>
        progress.at(`read ${number(read)}, restored ${number(restored)}`),
      ).finally(progress.end);
      await io.stdout(replayTable(report));
      return 0;
    });
  });
}

export function runArchiveExport(
  argv: readonly string[],
  io: CliIo,
  places: readonly Setting[],
  exportRange: ExportRange,
): Promise<ExitCode> {
  const command = {
    name: 'apura archive-export',
    summary: 'Writes pulses or votes of the archive to a file, for analysis.',
    flags: {
      what: choiceFlag('what to write', ['pulses', 'votes']),
      from: optionalTextFlag('what occurred at this time or later, RFC 3339', 'TIME'),
      to: toFlag,
      poll: optionalTextFlag(
        'votes of this poll alone; then --from and --to may be left out',
        'POLL',
      ),
      format: choiceFlag('how', FILE_FORMATS),
      out: optionalTextFlag('the file to write', 'FILE'),
      force: switchFlag('write over a file that is there', false),
      ...settingFlags(places),
    },
    notes:
      `Example: apura archive-export ${EXAMPLE} --format parquet --out october.parquet\n` +
      'The time of a vote is that of its acceptance. Each copy of what was logged several times is there, ' +
      `under the same key or id. The file gets its name only when it is whole. ${SETTINGS_NOTE}`,
  };
  return runCommand(command, argv, io, async (given) => {
    const { what: kind, poll, from, to, format, out, force, ...values } = given;
    if (poll !== null && kind !== 'votes') {
      throw new ApuraError('usage', '--poll is for --what votes');
    }
    const isWhole = poll !== null && from === null && to === null;
    const span = isWhole ? EVER : spanOf(from, to);
    const what: ArchivedWhat = kind === 'pulses' ? { kind } : { kind, poll };
    if (out === null) throw new ApuraError('usage', '--out names the file to write.');
    if (!force && existsSync(out)) {
      throw new ApuraError('usage', `${out} is there already; --force writes over it`);
    }
    const progress = watched(io);
    return unlessStopped(io, 'Stopped. No file was written.', async () => {
      const { rows, bytes, unreadable } = await exportRange(
        givenSettings(places, values),
        { ...span, what, format, path: out },
        (read) => progress.at(`read ${number(read)}`),
      )
        .catch((error: unknown) => {
          throw unwritable(error, out);
        })
        .finally(progress.end);
      await io.stdout(`${out}: ${number(rows)} ${kind}, ${number(bytes)} bytes\n`);
      if (unreadable > 0) {
        io.stderr(`${number(unreadable)} are no ${kind} by today's rules, and were left out.\n`);
      }
      return 0;
    });
  });
}

/** @throws ApuraError `usage`: not two instants, or not one before the other. */
function spanOf(fromText: string | null, toText: string | null): ArchiveSpan {
  const from = instantAt('--from', fromText);
  const to = instantAt('--to', toText);
  if (from < to) return { from, to };
  throw new ApuraError('usage', '--from must lie before --to');
}

function instantAt(flag: string, text: string | null): number {
  const instant = text === null ? null : instantOf(text);
  if (instant !== null) return instant;
  throw new ApuraError('usage', `${flag} must be a time such as 2026-10-01T00:00:00Z`);
}

/** A failure of the file system in words; others as they are. */
function unwritable(error: unknown, path: string): unknown {
  const isOfFiles = error instanceof Error && 'code' in error && 'syscall' in error;
  if (!isOfFiles) return error;
  return new ApuraError('usage', `${path} can not be written: ${error.message}`, { cause: error });
}

function replayTable(report: ReplayReport): string {
  const heads = ['PARTITION', 'READ', 'RESTORED', 'LEFT ALONE', 'UNREADABLE'];
  const row = (name: string, counts: ReplayCounts): readonly string[] => [
    name,
    ...[counts.read, counts.restored, counts.leftAlone, counts.unreadable].map(number),
  ];
  const partitions = [...report.partitions].sort(([left], [right]) => left - right);
  const rows = partitions.map(([partition, counts]) => row(String(partition), counts));
  return textTable(heads, [...rows, row('all', report)], heads);
}

/** The command was told to stop between two pages. */
class StoppedError extends Error {}

interface Watched {
  /** @throws StoppedError: the command was told to stop. */
  at(words: string): void;
  end(): void;
}

/** One line of the terminal that is written over; nothing where nobody watches. */
function watched(io: CliIo): Watched {
  return {
    at(words) {
      if (io.isTTY) io.stderr(`\r\u001b[K${words}`);
      if (io.signal?.aborted === true) throw new StoppedError();
    },
    end() {
      if (io.isTTY) io.stderr('\r\u001b[K');
    },
  };
}

/** Runs it; resolves to 1, with `words` to the operator, where it was told to stop. */
async function unlessStopped(
  io: CliIo,
  words: string,
  action: () => Promise<ExitCode>,
): Promise<ExitCode> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof StoppedError)) throw error;
    io.stderr(`${words}\n`);
    return 1;
  }
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}
