/** What sync says of the stores: a partition, a poll, and all together; and what is wrong, in words. */
import type { PartitionPositions } from '../../domain/counting/consistency-record.ts';
import type { Difference } from './compare-counts.ts';
import { describe } from './consistency-watch.ts';
import type { SyncAlarm } from './sync-alarms.ts';

/**
 * - `consistent`: every account was held against the log, and says the same.
 * - `different`: one says something else, or did when it was last compared.
 * - `checking`: nothing is known to differ, but not everything could be compared.
 */
export type SyncState = 'consistent' | 'different' | 'checking';

/** What is held against the log. The ledger keeps two accounts: its windows, and its rows. */
export type Account = 'tally' | 'ledger windows' | 'ledger rows';

export interface AccountDifference extends Difference {
  readonly account: Account;
}

/** The scope of differences that concern a whole partition: its position and checkpoint. */
export const NO_SCOPE = '-';

export interface PartitionReport {
  readonly partition: number;
  readonly state: SyncState;
  /** The log's bounds; null until they were read. */
  readonly start: number | null;
  readonly end: number | null;
  /** The stores' next offsets when they were last read; null until they were. */
  readonly tally: number | null;
  readonly ledger: number | null;
  /** How far sync has folded the log. */
  readonly folded: number;
  /** For how long the store has not reached where the log ended then, ms; 0 where it keeps up. */
  readonly tallyLagMs: number;
  readonly ledgerLagMs: number;
  readonly differences: readonly AccountDifference[];
  /** Why something was not compared, in words. */
  readonly waits: readonly string[];
  /** Every poll met in the partition, with its expired events. */
  readonly expired: ReadonlyMap<string, number>;
  readonly alarms: readonly SyncAlarm[];
  /** Whether there is more of the log to fold than this round could. */
  readonly isCatchingUp: boolean;
}

export interface ScopeReport {
  readonly scope: string;
  readonly state: SyncState;
  readonly differences: number;
}

export interface SyncReport {
  readonly state: SyncState;
  /** When the newest round ended that compared everything, ms since the Unix epoch; null before. */
  readonly checkedAt: number | null;
  /** The first differences in words, else why something could not be compared; null where all is well. */
  readonly detail: string | null;
  readonly differences: number;
  /** How often the tally was repaired since the start. */
  readonly repairs: number;
  /** Events that came into the log too late to count. */
  readonly expired: number;
  readonly scopes: readonly ScopeReport[];
  readonly partitions: readonly PartitionReport[];
  readonly alarms: readonly SyncAlarm[];
  /** How long the newest counting of all ledger rows took, ms; null before the first has ended. */
  readonly rowsRotationMs: number | null;
  /** Whether the next round should follow at once: there is much of the log to fold yet. */
  readonly isCatchingUp: boolean;
}

export type SyncSummary = Pick<
  SyncReport,
  'state' | 'detail' | 'differences' | 'expired' | 'scopes' | 'alarms' | 'isCatchingUp'
>;

const WAITS_SHOWN_MAX = 3;

/** All that follows from what the partitions say. */
export function summarize(partitions: readonly PartitionReport[]): SyncSummary {
  const differences = partitions.flatMap((partition) => partition.differences);
  const waits = partitions.flatMap((partition) => partition.waits);
  const expired = partitions.flatMap((partition) => [...partition.expired.values()]);
  return {
    state: stateOf(differences, waits),
    detail: detailOf(differences, waits),
    differences: differences.length,
    expired: expired.reduce((sum, count) => sum + count, 0),
    scopes: scopesOf(partitions, differences, waits),
    alarms: partitions.flatMap((partition) => partition.alarms),
    isCatchingUp: partitions.some((partition) => partition.isCatchingUp),
  };
}

/** Of the partitions where log and stores could all be read. */
export function positionsOf({ partitions }: Pick<SyncReport, 'partitions'>): PartitionPositions[] {
  return partitions.flatMap(({ partition, end, tally, ledger }) =>
    end === null || tally === null || ledger === null ? [] : { partition, end, tally, ledger },
  );
}

export function stateOf(
  differences: readonly AccountDifference[],
  waits: readonly string[],
): SyncState {
  if (differences.length > 0) return 'different';
  return waits.length > 0 ? 'checking' : 'consistent';
}

/** A poll's votes may lie in any partition, so what waits anywhere leaves every poll open. */
function scopesOf(
  partitions: readonly PartitionReport[],
  differences: readonly AccountDifference[],
  waits: readonly string[],
): readonly ScopeReport[] {
  const known = [
    ...partitions.flatMap((partition) => [...partition.expired.keys()]),
    ...differences.map(({ scope }) => scope),
  ];
  const scopes = [...new Set(known)].filter((scope) => scope !== NO_SCOPE).sort();
  return scopes.map((scope) => {
    const own = differences.filter((one) => one.scope === scope || one.scope === NO_SCOPE);
    return { scope, state: stateOf(own, waits), differences: own.length };
  });
}

function detailOf(
  differences: readonly AccountDifference[],
  waits: readonly string[],
): string | null {
  const accounts = [...new Set(differences.map(({ account }) => account))];
  if (accounts.length > 0) {
    return accounts
      .map((account) => {
        const own = differences.filter((difference) => difference.account === account);
        return `${account}: ${describe(own)}`;
      })
      .join('; ');
  }
  if (waits.length === 0) return null;
  const more = waits.length - WAITS_SHOWN_MAX;
  const shown = waits.slice(0, WAITS_SHOWN_MAX).join('; ');
  return more > 0 ? `${shown}; and ${more} more` : shown;
}
