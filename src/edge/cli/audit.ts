/** `apura audit`: prints the books of a data folder and every difference between its stores. */
import type { PartitionAudit } from '../../application/counting/audit.ts';
import { CONTROL_PARTITION } from '../../ports/event-log.ts';
import type { CliIo, ExitCode } from './cli-io.ts';
import { type Flag, switchFlag, textFlag } from './flag.ts';
import { createProgress } from './progress.ts';
import { runCommand } from './run-command.ts';

/** Audits a folder, telling how far it has got. */
export type AuditFolder = (
  folder: string,
  onProgress: (partition: number, offset: number, end: number) => void,
) => Promise<readonly PartitionAudit[]>;

/** The data folder, where a command works on one by itself. */
export const dataFlag = (io: CliIo): Flag<string> =>
  textFlag('data folder', 'FOLDER', io.env['APURA_DATA'] ?? './data');

const SHOWN_MAX = 20;

const command = (io: CliIo) => ({
  name: 'apura audit',
  summary: 'Fold the whole log and hold tally and ledger against it; exit 1 on any difference.',
  flags: { data: dataFlag(io), json: switchFlag('one JSON object instead of words', false) },
  notes: 'Reads only: a server may be working in the folder meanwhile.',
});

export function runAudit(
  argv: readonly string[],
  io: CliIo,
  auditFolder: AuditFolder,
): Promise<ExitCode> {
  return runCommand(command(io), argv, io, async ({ data, json }) => {
    const progress = createProgress(io, 'audit');
    const audits = await auditFolder(data, progress.at);
    progress.end();
    const balanced = audits.every((one) => one.failure === null && one.differences.length === 0);
    await io.stdout(
      json ? `${JSON.stringify({ balanced, partitions: audits })}\n` : describe(audits, balanced),
    );
    return balanced ? 0 : 1;
  });
}

function describe(audits: readonly PartitionAudit[], balanced: boolean): string {
  const lines: string[] = [];
  for (const { partition, blocks, books, positions, differences, failure } of audits) {
    const at = positions.map(({ store, nextOffset }) => `${store} ${nextOffset}`).join(', ');
    lines.push(
      partition === CONTROL_PARTITION
        ? `poll changes: ${blocks} blocks read and checked`
        : `partition ${partition}: ${blocks} blocks read and checked; stores at ${at}`,
    );
    for (const { scope, logged, counted, duplicate, expired, late, voided } of books) {
      lines.push(
        `  poll ${scope}: ${logged} logged = ${counted} counted + ${duplicate} duplicate + ` +
          `${expired} expired + ${late} late + ${voided} voided`,
      );
    }
    if (failure !== null) lines.push(`  FAILED ${failure.code}: ${failure.message}`);
    for (const one of differences.slice(0, SHOWN_MAX)) {
      lines.push(
        `  DIFFERENT ${one.store}, partition ${one.partition}, poll ${one.scope}, ${one.what}: ` +
          `the log gives ${one.expected}, the store holds ${one.found}`,
      );
    }
    const more = differences.length - SHOWN_MAX;
    if (more > 0) lines.push(`  … and ${more} differences more`);
  }
  lines.push(balanced ? 'The books balance.' : 'not_balanced: the books do not balance.');
  return `${lines.join('\n')}\n`;
}
