/** Audit, rebuild and growth of an installation on servers, beside the roles that work on it. */
import { migratePostgres } from '../adapters/postgres/database.ts';
import { audit, type PartitionAudit } from '../application/counting/audit.ts';
import { haveLedgerRebuilt, haveTallyRebuilt } from '../application/counting/have-rebuilt.ts';
import type { Config } from '../config/config.ts';
import { ApuraError } from '../domain/errors.ts';
import { decodePollRecord } from '../domain/voting/poll-record.ts';
import type { InstallationAudit } from '../edge/cli/audit.ts';
import type { Grown } from '../edge/cli/grow.ts';
import type { RebuiltStore } from '../edge/cli/rebuild.ts';
import { CONTROL_PARTITION } from '../ports/event-log.ts';
import { auditedStores, type OnProgress } from './audited-stores.ts';
import { enginesOf, type LogPlace } from './engines.ts';
import { knownLogPlaces } from './log-places.ts';
import { auditMeteringServers, rebuildPulsesOnServers } from './metering/offline-apart.ts';
import { newLogSettings } from './new-log.ts';
import { sleep } from './sleep.ts';

/** Workers that have not moved an emptied partition for so long are not there. */
const STILL_MS_MAX = 30_000;

export async function auditServers(
  config: Config,
  onProgress: OnProgress,
): Promise<InstallationAudit> {
  const partitions = await auditVotes(config, onProgress);
  return { partitions, metering: await auditMeteringServers(config, onProgress) };
}

async function auditVotes(
  config: Config,
  onProgress: OnProgress,
): Promise<readonly PartitionAudit[]> {
  const engines = enginesOf(config, 'audit');
  const audits: PartitionAudit[] = [];
  for (const place of await placesOf(config)) {
    await using log = await engines.log(place);
    await using tally = await engines.tally(place);
    await using ledger = await engines.ledger(place);
    const stores = auditedStores(tally, ledger);
    const { dedupWindowMs } = place.settings;
    audits.push(
      ...(await audit({ log, stores, dedupWindowMs, readControl: decodePollRecord, onProgress })),
    );
  }
  return audits;
}

export async function rebuildOnServers(
  config: Config,
  store: RebuiltStore,
  onProgress: OnProgress,
): Promise<void> {
  if (store === 'pulses') return rebuildPulsesOnServers(config, onProgress);
  const engines = enginesOf(config, 'rebuild');
  for (const place of await placesOf(config)) {
    await using log = await engines.log(place);
    const rebuild = { log, onProgress, stillMsMax: STILL_MS_MAX, sleep };
    if (store === 'tally') {
      await using tally = await engines.tally(place);
      await haveTallyRebuilt(rebuild, tally);
    } else {
      await using ledger = await engines.ledger(place);
      await haveLedgerRebuilt(rebuild, ledger);
    }
  }
}

/** @throws ApuraError `invalid_config`: ledger and catalogue are embedded, and migrate when they are opened. */
export async function migrate(
  config: Config,
): Promise<{ readonly from: number; readonly to: number }> {
  if (config.ledger.kind === 'postgres') return migratePostgres(config.ledger.url);
  throw new ApuraError('invalid_config', 'APURA_LEDGER is sqlite: apura serve migrates it itself.');
}

/**
 * Makes a newer log, and then tells the catalogue: a crash in between leaves a topic or streams that
 * nobody uses, and a second run makes others.
 *
 * @throws ApuraError `invalid_config`: embedded engines, or no log yet to grow from.
 * @throws ApuraError `log_unavailable`: the log can't be made, or does not answer in every partition.
 */
export async function grow(config: Config, partitions: number): Promise<Grown> {
  const engines = enginesOf(config, 'grow');
  await using catalogue = await engines.catalogue();
  const places = await knownLogPlaces(catalogue);
  const newest = places.at(-1) ?? places[0];
  const settings = newLogSettings(partitions);
  await using log = await engines.log({ settings, generation: places.length });
  for (let partition = CONTROL_PARTITION; partition < partitions; partition += 1) {
    await log.bounds(partition);
  }
  await catalogue.addLog(settings);
  return {
    logId: settings.logId,
    partitions,
    logs: (await catalogue.logs()).length,
    before: newest.settings.partitions,
    durability: log.description.durability,
  };
}

/** @throws ApuraError `invalid_config`: the catalogue knows of no log. */
async function placesOf(config: Config): Promise<readonly LogPlace[]> {
  await using catalogue = await enginesOf(config, 'audit').catalogue();
  return await knownLogPlaces(catalogue);
}
