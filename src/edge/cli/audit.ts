/** `apura audit`: prints the books of an installation and every difference between its stores. */
import type { PartitionAudit } from '../../application/counting/audit.ts';
import {
  isMeteringBalanced,
  type MeteringAudit,
} from '../../application/metering/audit-metering.ts';
import { CONTROL_PARTITION } from '../../ports/event-log.ts';
import { describeMetering } from './audit-metering-words.ts';
import type { CliIo, ExitCode } from './cli-io.ts';
import { switchFlag } from './flag.ts';
import { createProgress } from './progress.ts';
import { runCommand } from './run-command.ts';
import { givenSettings, SETTINGS_NOTE, type Setting, settingFlags } from './setting-flags.ts';

export interface InstallationAudit {
  /** Of votes. */
  readonly partitions: readonly PartitionAudit[];
  /** Null where no pulse ever came. */
  readonly metering: MeteringAudit | null;
}

/** Audits an installation, given by settings, telling how far it has got. */
export type AuditInstallation = (
  settings: Readonly<Record<string, string>>,
  onProgress: (partition: number, offset: number, end: number) => void,
) => Promise<InstallationAudit>;

const SHOWN_MAX = 20;

const command = (places: readonly Setting[]) => ({
  name: 'apura audit',
  summary:
    'Fold the whole log and hold tally and ledger against it, and so with pulses, usage and charges; exit 1 on any difference.',
  flags: {
    ...settingFlags(places),
    json: switchFlag('one JSON object instead of words', false),
  },
  notes: `Reads only: votes and pulses may be coming in meanwhile. ${SETTINGS_NOTE}`,
});

export function runAudit(
  argv: readonly string[],
  io: CliIo,
  places: readonly Setting[],
  auditInstallation: AuditInstallation,
): Promise<ExitCode> {
  return runCommand(command(places), argv, io, async ({ json, ...values }) => {
    const progress = createProgress(io, 'audit');
    const audit = await auditInstallation(givenSettings(places, values), progress.at);
    progress.end();
    const { partitions, metering } = audit;
    const balanced =
      partitions.every((one) => one.failure === null && one.differences.length === 0) &&
      (metering === null || isMeteringBalanced(metering));
    const told = { balanced, partitions, ...(metering === null ? {} : { metering }) };
    await io.stdout(json ? `${JSON.stringify(told)}\n` : describe(audit, balanced));
    return balanced ? 0 : 1;
  });
}

function describe({ partitions: audits, metering }: InstallationAudit, balanced: boolean): string {
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
  if (metering !== null) lines.push(...describeMetering(metering, SHOWN_MAX));
  lines.push(balanced ? 'The books balance.' : 'not_balanced: the books do not balance.');
  return `${lines.join('\n')}\n`;
}
