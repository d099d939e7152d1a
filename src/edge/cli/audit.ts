/** `apura audit`: prints the books of an installation and every difference between its stores. */
import type { PartitionAudit } from '../../application/counting/audit.ts';
import { CONTROL_PARTITION } from '../../ports/event-log.ts';
import type { CliIo, ExitCode } from './cli-io.ts';
import { switchFlag } from './flag.ts';
import { createProgress } from './progress.ts';
import { runCommand } from './run-command.ts';
import { givenSettings, SETTINGS_NOTE, type Setting, settingFlags } from './setting-flags.ts';

/** Audits an installation, given by settings, telling how far it has got. */
export type AuditInstallation = (
  settings: Readonly<Record<string, string>>,
  onProgress: (partition: number, offset: number, end: number) => void,
) => Promise<readonly PartitionAudit[]>;

const SHOWN_MAX = 20;

const command = (places: readonly Setting[]) => ({
  name: 'apura audit',
  summary: 'Fold the whole log and hold tally and ledger against it; exit 1 on any difference.',
  flags: {
    ...settingFlags(places),
    json: switchFlag('one JSON object instead of words', false),
  },
  notes: `Reads only: votes may be coming in meanwhile. ${SETTINGS_NOTE}`,
});

export function runAudit(
  argv: readonly string[],
  io: CliIo,
  places: readonly Setting[],
  auditInstallation: AuditInstallation,
): Promise<ExitCode> {
  return runCommand(command(places), argv, io, async ({ json, ...values }) => {
    const progress = createProgress(io, 'audit');
    const audits = await auditInstallation(givenSettings(places, values), progress.at);
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
  const hasSeveral = new Set(audits.map(({ logId }) => logId)).size > 1;
  for (const { logId, partition, blocks, books, positions, differences, failure } of audits) {
    const at = positions.map(({ store, nextOffset }) => `${store} ${nextOffset}`).join(', ');
    const log = hasSeveral ? `log ${logId}, ` : '';
    lines.push(
      partition === CONTROL_PARTITION
        ? `${log}poll changes: ${blocks} blocks read and checked`
        : `${log}partition ${partition}: ${blocks} blocks read and checked; stores at ${at}`,
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
