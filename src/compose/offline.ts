/** What the command line does with an installation by itself: audit and rebuild, of a folder or of servers. */
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readLogSettings } from '../adapters/sqlite/catalogue.ts';
import { openSqliteLogReader } from '../adapters/sqlite/event-log.ts';
import { openSqliteLedger, openSqliteLedgerReader } from '../adapters/sqlite/ledger.ts';
import { openSqliteLiveTally, openSqliteLiveTallyReader } from '../adapters/sqlite/live-tally.ts';
import { audit, type PartitionAudit } from '../application/counting/audit.ts';
import { rebuildLedger, rebuildTally } from '../application/counting/rebuild.ts';
import type { Config } from '../config/config.ts';
import type { LogSettings } from '../domain/counting/log-settings.ts';
import { ApuraError } from '../domain/errors.ts';
import { decodePollRecord } from '../domain/voting/poll-record.ts';
import type { InstallationAudit } from '../edge/cli/audit.ts';
import type { RebuiltStore } from '../edge/cli/rebuild.ts';
import type { EventLog } from '../ports/event-log.ts';
import { auditedStores, type OnProgress } from './audited-stores.ts';
import { claimFolder, dataPaths } from './data-folder.ts';
import { auditMeteringFolder, rebuildPulsesInFolder } from './metering/offline.ts';

/** @throws ApuraError `invalid_config`: the folder holds no log. */
function settingsIn(folder: string): LogSettings {
  const paths = dataPaths(folder);
  if (!existsSync(paths.catalogue) || !existsSync(paths.log)) {
    throw new ApuraError('invalid_config', `There is no log in ${folder}: see APURA_DATA.`);
  }
  const settings = readLogSettings(paths.catalogue);
  if (settings === null) {
    throw new ApuraError('invalid_config', `The catalogue in ${folder} knows of no log yet.`);
  }
  return settings;
}

function openLog(folder: string, settings: LogSettings): EventLog {
  const { logId, partitions } = settings;
  return openSqliteLogReader({ path: dataPaths(folder).log, logId, partitions });
}

/** Holds the stores of an installation against its logs, which may be in use meanwhile. */
export async function auditInstallation(
  config: Config,
  onProgress: OnProgress,
): Promise<InstallationAudit> {
  if (config.log.kind === 'sqlite') {
    const partitions = await auditFolder(config.dataFolder, onProgress);
    return { partitions, metering: await auditMeteringFolder(config.dataFolder, onProgress) };
  }
  // Loaded where it is needed: the clients of all servers would cost every command its start.
  const { auditServers } = await import('./offline-apart.ts');
  return auditServers(config, onProgress);
}

/** Empties a store and sees it filled from the log. @throws ApuraError `data_folder_locked`. */
export async function rebuildStore(
  config: Config,
  store: RebuiltStore,
  onProgress: OnProgress,
): Promise<void> {
  if (config.log.kind === 'sqlite') {
    const { dataFolder } = config;
    if (store === 'pulses') await rebuildPulsesInFolder(dataFolder, onProgress);
    else await rebuildInFolder(dataFolder, store, onProgress);
    return;
  }
  const { rebuildOnServers } = await import('./offline-apart.ts');
  await rebuildOnServers(config, store, onProgress);
}

/** Holds the stores of a folder against its log; the folder may be in use by a server meanwhile. */
export async function auditFolder(
  folder: string,
  onProgress: OnProgress,
): Promise<readonly PartitionAudit[]> {
  const settings = settingsIn(folder);
  const { logId, dedupWindowMs } = settings;
  const paths = dataPaths(folder);
  await using log = openLog(folder, settings);
  await using tally = openSqliteLiveTallyReader({ path: paths.tally, logId });
  await using ledger = openSqliteLedgerReader({ path: paths.ledger, logId });
  const stores = auditedStores(tally, ledger);
  return await audit({ log, stores, dedupWindowMs, readControl: decodePollRecord, onProgress });
}

async function rebuildInFolder(
  folder: string,
  store: 'tally' | 'ledger',
  onProgress: OnProgress,
): Promise<void> {
  const settings = settingsIn(folder);
  const { logId, dedupWindowMs } = settings;
  const paths = dataPaths(folder);
  using _lock = claimFolder(paths);
  await using log = openLog(folder, settings);
  const deps = { log, dedupWindowMs, seed: randomInt(2 ** 32), onProgress };
  if (store === 'tally') {
    await using tally = openSqliteLiveTally({ path: paths.tally, logId });
    await rebuildTally(deps, tally);
  } else {
    await using ledger = openSqliteLedger({ path: paths.ledger, logId });
    await rebuildLedger(deps, ledger);
  }
}
