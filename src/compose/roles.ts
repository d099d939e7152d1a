/** How each role that runs in a process of its own is started. */
import type { Config } from '../config/config.ts';
import type { Aggregated } from '../edge/cli/aggregate-once.ts';
import { systemClock } from '../runtime/system-clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import { enginesOf } from './engines.ts';
import type { Role } from './role-names.ts';
import { aggregateOnce, startAggregateRole } from './roles/aggregate.ts';
import { startArchiveRole } from './roles/archive.ts';
import { startIngestRole } from './roles/ingest.ts';
import type { RoleContext, RunningRole } from './roles/process.ts';
import { startQueryRole } from './roles/query.ts';
import { startRateRole } from './roles/rate.ts';
import { startSyncRole } from './roles/sync.ts';
import { startLedgerRole, startTallyRole } from './roles/worker.ts';

const START: Readonly<Record<Role, (context: RoleContext) => Promise<RunningRole>>> = {
  ingest: startIngestRole,
  tally: startTallyRole,
  ledger: startLedgerRole,
  query: startQueryRole,
  aggregate: startAggregateRole,
  rate: startRateRole,
  archive: startArchiveRole,
  sync: startSyncRole,
};

/**
 * Starts a role and waits for its servers, until the signal aborts.
 *
 * @throws ApuraError `invalid_config`, or whatever a server says that no waiting can mend.
 */
export function startRole(
  role: Role,
  config: Config,
  logger: Logger,
  signal: AbortSignal,
): Promise<RunningRole> {
  const engines = enginesOf(config, role);
  return START[role]({ config, engines, clock: systemClock, logger, signal });
}

/** One run of the aggregation, and its end. @throws as `aggregateOnce`, and `invalid_config`. */
export function runAggregateOnce(
  config: Config,
  logger: Logger,
  signal: AbortSignal,
): Promise<Aggregated> {
  const engines = enginesOf(config, 'aggregate');
  return aggregateOnce({ config, engines, clock: systemClock, logger, signal });
}
