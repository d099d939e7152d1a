/** Audit and rebuild of metering by the command line, wherever the stores are. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { openSqliteLogReader } from '../../adapters/sqlite/event-log.ts';
import { SqliteMeteringCatalogue } from '../../adapters/sqlite/metering-catalogue.ts';
import {
  openSqlitePulseLedger,
  openSqlitePulseLedgerReader,
} from '../../adapters/sqlite/pulse-ledger.ts';
import { SqliteRatingBook } from '../../adapters/sqlite/rating-book.ts';
import {
  type AuditMeteringDeps,
  auditMetering,
  type MeteringAudit,
} from '../../application/metering/audit-metering.ts';
import { AUDIT_LIMITS } from '../../application/metering/audit-pulses.ts';
import { CatalogueView } from '../../application/metering/catalogue-view.ts';
import { rebuildPulses } from '../../application/metering/rebuild-pulses.ts';
import type { LogSettings } from '../../domain/counting/log-settings.ts';
import { ApuraError } from '../../domain/errors.ts';
import { decodeEntry } from '../../domain/metering/catalogue-codec.ts';
import type { MeteringCatalogue } from '../../ports/metering-catalogue.ts';
import { systemClock } from '../../runtime/system-clock.ts';
import type { OnProgress } from '../audited-stores.ts';
import { claimFolder, type DataPaths, dataPaths } from '../data-folder.ts';
import { sleep } from '../sleep.ts';
import { pulseConsumer, sha256 } from './jobs.ts';

/** Usage goes to rating and charges follow within this time, ms, where nothing is amiss. */
const PAUSE_MS = 1_000;

export interface AuditedMetering extends Pick<AuditMeteringDeps, 'log' | 'ledger' | 'book'> {
  readonly usageLog: AuditMeteringDeps['usageLog'];
  readonly catalogue: Pick<MeteringCatalogue, 'revision' | 'entries'>;
}

/** Null where no pulse ever came. @throws as the stores. */
export async function auditMeteringStores(
  { catalogue, ...stores }: AuditedMetering,
  onProgress: OnProgress,
): Promise<MeteringAudit | null> {
  const clock = systemClock;
  const view = new CatalogueView({ catalogue, clock, decode: decodeEntry });
  await view.refresh();
  const { signal } = new AbortController();
  return auditMetering({
    ...stores,
    view,
    clock,
    sha256,
    digest: (text) => createHash('sha256').update(text).digest('hex'),
    limits: AUDIT_LIMITS,
    onProgress,
    pause: () => sleep(PAUSE_MS, signal),
  });
}

/** The folder may be in use by a server meanwhile. Null where no pulse ever came to it. */
export async function auditMeteringFolder(
  folder: string,
  onProgress: OnProgress,
): Promise<MeteringAudit | null> {
  const paths = dataPaths(folder);
  const logs = await logsIn(paths);
  if (logs === null) return null;
  const { logId } = logs.usage;
  mustExist(paths.pulseLedger, 'apura rebuild pulses makes it from the log.');
  mustExist(paths.rating, 'Restore it: charges that are final are nowhere else.');
  await using cleanup = new AsyncDisposableStack();
  const readOnly = true;
  const catalogue = cleanup.use(
    new SqliteMeteringCatalogue({ path: paths.meteringCatalogue, readOnly }),
  );
  const log = cleanup.use(openSqliteLogReader({ path: paths.pulseLog, ...logs.pulses }));
  const usageLog = cleanup.use(openSqliteLogReader({ path: paths.usageLog, ...logs.usage }));
  const ledger = cleanup.use(
    openSqlitePulseLedgerReader({ path: paths.pulseLedger, logId: logs.pulses.logId }),
  );
  const book = cleanup.use(new SqliteRatingBook({ path: paths.rating, logId, readOnly }));
  return await auditMeteringStores({ catalogue, log, usageLog, ledger, book }, onProgress);
}

/** @throws ApuraError `data_folder_locked`; `invalid_config`: no pulse ever came to the folder. */
export async function rebuildPulsesInFolder(folder: string, onProgress: OnProgress): Promise<void> {
  const paths = dataPaths(folder);
  using _lock = claimFolder(paths);
  const logs = await logsIn(paths);
  if (logs === null) {
    throw new ApuraError('invalid_config', `There is no log of pulses in ${folder}.`);
  }
  await using log = openSqliteLogReader({ path: paths.pulseLog, ...logs.pulses });
  await using ledger = openSqlitePulseLedger({
    path: paths.pulseLedger,
    logId: logs.pulses.logId,
  });
  await using book = new SqliteRatingBook({ path: paths.rating, logId: logs.usage.logId });
  const work = { log, ledger, clock: systemClock };
  const consumer = (partition: number) => pulseConsumer(work, partition);
  await rebuildPulses({ log, ledger, book, onProgress, consumer });
}

/** Null where metering was never started in the folder. */
async function logsIn(
  paths: DataPaths,
): Promise<{ readonly pulses: LogSettings; readonly usage: LogSettings } | null> {
  if (!existsSync(paths.meteringCatalogue) || !existsSync(paths.pulseLog)) return null;
  await using catalogue = new SqliteMeteringCatalogue({
    path: paths.meteringCatalogue,
    readOnly: true,
  });
  const pulses = await catalogue.logSettings('resource-consumption');
  const usage = await catalogue.logSettings('resource-usage');
  return pulses === null || usage === null ? null : { pulses, usage };
}

function mustExist(path: string, what: string): void {
  if (!existsSync(path)) throw new ApuraError('store_corrupt', `${path} is missing. ${what}`);
}
