/** Audit and rebuild of metering on servers, beside the roles that work on it. */
import type { MeteringAudit } from '../../application/metering/audit-metering.ts';
import { havePulsesRebuilt } from '../../application/metering/rebuild-pulses.ts';
import { usageOnItsWay } from '../../application/metering/usage-on-its-way.ts';
import type { Config } from '../../config/config.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { OnProgress } from '../audited-stores.ts';
import { type Engines, enginesOf } from '../engines.ts';
import { sleep } from '../sleep.ts';
import type { MeteringPlaces } from './logs-apart.ts';
import { auditMeteringStores } from './offline.ts';

/** Workers that have not moved an emptied partition for so long are not there, ms. */
const STILL_MS_MAX = 30_000;
/** An idle worker looks whether its ledger was emptied once in so many runs. */
const RUNS_UNTIL_SEEN = 12;

/** Null where no pulse ever came. */
export async function auditMeteringServers(
  config: Config,
  onProgress: OnProgress,
): Promise<MeteringAudit | null> {
  const engines = enginesOf(config, 'audit');
  await using catalogue = await engines.meteringCatalogue();
  const places = await placesOf(catalogue);
  if (places === null) return null;
  await using stores = await openStores(engines, places);
  const { log, usageLog, ledger, book } = stores;
  return await auditMeteringStores({ catalogue, log, usageLog, ledger, book }, onProgress);
}

/** @throws ApuraError `not_ready`: nobody fills what was emptied. `invalid_config`: no pulse ever came. */
export async function rebuildPulsesOnServers(
  config: Config,
  onProgress: OnProgress,
): Promise<void> {
  const engines = enginesOf(config, 'rebuild');
  await using catalogue = await engines.meteringCatalogue();
  const places = await placesOf(catalogue);
  if (places === null) throw new ApuraError('invalid_config', 'There is no log of pulses yet.');
  await using stores = await openStores(engines, places);
  const { log, usageLog, ledger, book } = stores;
  const { partitions } = log.description;
  const usagePartitions = Array.from({ length: usageLog.description.partitions }, (_, at) => at);
  const isSettled = async (): Promise<boolean> => {
    const positions = await Promise.all(
      usagePartitions.map(async (one) => (await book.checkpoint(one)).nextOffset),
    );
    const way = await usageOnItsWay({ ledger, partitions, usageLog }, positions);
    return way !== null && way.windows === 0;
  };
  const stillMsMax = Math.max(STILL_MS_MAX, RUNS_UNTIL_SEEN * config.aggregateEveryMs);
  const isTakenUp = await havePulsesRebuilt({
    ...{ log, ledger, book, onProgress, stillMsMax, sleep, isSettled },
  });
  if (isTakenUp) return;
  const detail =
    'The pulse ledger is filled, but rating has not taken its usage: start apura rate.';
  throw new ApuraError('not_ready', detail);
}

async function placesOf(
  catalogue: Awaited<ReturnType<Engines['meteringCatalogue']>>,
): Promise<MeteringPlaces | null> {
  const pulses = await catalogue.logSettings('resource-consumption');
  const usage = await catalogue.logSettings('resource-usage');
  if (pulses === null || usage === null) return null;
  return {
    pulses: { settings: pulses, generation: 0 },
    usage: { settings: usage, generation: 0 },
  };
}

async function openStores(engines: Engines, { pulses, usage }: MeteringPlaces) {
  await using cleanup = new AsyncDisposableStack();
  const log = cleanup.use(await engines.log(pulses));
  const usageLog = cleanup.use(await engines.log(usage));
  const ledger = cleanup.use(await engines.pulseLedger(pulses.settings.logId));
  const book = cleanup.use(await engines.ratingBook(usage.settings.logId));
  const opened = cleanup.move();
  return {
    ...{ log, usageLog, ledger, book },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
