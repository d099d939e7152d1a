/** The whole audit of metering: pulses, usage and charges, each against what it follows from. */
import { ApuraError } from '../../domain/errors.ts';
import {
  type AuditPulsesDeps,
  auditPulses,
  type PulseLedgerAudit,
  type PulsePartitionAudit,
} from './audit-pulses.ts';
import { type AuditRatingDeps, auditRating, type RatingAudit } from './audit-rating.ts';
import { DifferenceList, type MeteringDifference } from './metering-difference.ts';

export interface AuditMeteringDeps
  extends AuditPulsesDeps,
    Omit<AuditRatingDeps, 'ledger' | 'partitions' | 'startsOf'> {
  readonly ledger: AuditPulsesDeps['ledger'] & AuditRatingDeps['ledger'];
}

export interface MeteringAudit {
  /** Of the log of pulses. */
  readonly logId: string;
  readonly partitions: readonly PulsePartitionAudit[];
  /** Of what was compared how much. */
  readonly tenants: number;
  readonly windows: number;
  readonly pulses: number;
  readonly forgotten: number;
  readonly deadLetters: number;
  /** Null where the pulses could not be followed. */
  readonly rating: RatingAudit | null;
  /** The first of them; `differing` counts all. */
  readonly differences: readonly MeteringDifference[];
  readonly differing: number;
  /** What kept the log from being followed, or null. */
  readonly failure: { readonly code: string; readonly message: string } | null;
}

/** Failures of the log, or of two that move on: to be told, not thrown. */
const TOLD: ReadonlySet<string> = new Set([
  'log_rewound',
  'log_trimmed',
  'log_corrupt',
  'not_ready',
]);

/** Null where no pulse ever came. @throws as the stores. */
export async function auditMetering(deps: AuditMeteringDeps): Promise<MeteringAudit | null> {
  const { log, ledger } = deps;
  const { logId, partitions } = log.description;
  if (!(await hasBegun(deps))) return null;
  const differences = new DifferenceList();
  let found: PulseLedgerAudit | null = null;
  let rating: RatingAudit | null = null;
  let failure: MeteringAudit['failure'] = null;
  try {
    found = await auditPulses(deps, differences);
    const { tenants, startsOf } = found;
    rating = await auditRating({ ...deps, ledger, partitions, startsOf }, tenants, differences);
  } catch (error) {
    if (!(error instanceof ApuraError && TOLD.has(error.code))) throw error;
    failure = { code: error.code, message: error.message };
  }
  return {
    logId,
    partitions: found?.partitions ?? [],
    tenants: found?.tenants.length ?? 0,
    windows: found?.windows ?? 0,
    pulses: found?.pulses ?? 0,
    forgotten: found?.forgotten ?? 0,
    deadLetters: found?.deadLetters ?? 0,
    rating,
    differences: differences.kept,
    differing: differences.total,
    failure,
  };
}

async function hasBegun({ log, ledger }: AuditMeteringDeps): Promise<boolean> {
  for (let partition = 0; partition < log.description.partitions; partition += 1) {
    if ((await log.bounds(partition)).end > 0) return true;
    if ((await ledger.checkpoint(partition)).nextOffset > 0) return true;
  }
  return false;
}

/** Whether nothing differs and nothing failed. */
export function isMeteringBalanced(audit: MeteringAudit): boolean {
  return audit.differing === 0 && audit.failure === null;
}
