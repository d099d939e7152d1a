/** The door of pulses in a process that runs apart: the log, group commit, and who may send. */
import { LogReach } from '../../application/counting/log-reach.ts';
import { CatalogueView } from '../../application/metering/catalogue-view.ts';
import { PulseDoor } from '../../application/metering/pulse-door.ts';
import type { PulseWriter } from '../../application/metering/pulse-writer.ts';
import { decodeEntry } from '../../domain/metering/catalogue-codec.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { MeteringCatalogue } from '../../ports/metering-catalogue.ts';
import { repeat } from '../event-loop.ts';
import { firstPartitions } from '../first-partitions.ts';
import { openPatiently, type RoleContext } from '../roles/process.ts';
import { sleep } from '../sleep.ts';
import { type MeteringPlaces, meteringPlaces } from './logs-apart.ts';
import { openPulseWriter } from './pulse-writer.ts';

export interface PulseDoorApart extends AsyncDisposable {
  readonly places: MeteringPlaces;
  readonly catalogue: MeteringCatalogue;
  /** Kept up with the catalogue. */
  readonly view: CatalogueView;
  readonly log: EventLog;
  readonly writer: PulseWriter;
  readonly door: PulseDoor;
  /** Why it takes no pulses just now; null while it does. */
  readonly trouble: () => string | null;
}

export interface PulseDoorOptions {
  /** Why the machine's clock can't be gone by; null while it can. */
  readonly clockTrouble: () => string | null;
  /** Told once when the log's storage has failed: the process must end. */
  readonly fail: (error: Error) => void;
}

const REACH_MS = 1_000;

/** Resolves once the log has been reached. */
export async function openPulseDoorApart(
  context: RoleContext,
  { clockTrouble, fail }: PulseDoorOptions,
): Promise<PulseDoorApart> {
  const { engines, config, clock, logger } = context;
  await using cleanup = new AsyncDisposableStack();
  const catalogue = cleanup.use(
    await openPatiently(context, 'metering catalogue', () => engines.meteringCatalogue()),
  );
  const places = await meteringPlaces(catalogue, firstPartitions(config));
  const view = new CatalogueView({ catalogue, clock, decode: decodeEntry });
  await openPatiently(context, 'metering catalogue', () => view.refresh());
  const stop = new AbortController();
  const following = view.follow(stop.signal, {
    sleep,
    onTrouble: (err) => logger.warn({ err }, 'the metering catalogue can not be asked just now'),
  });
  cleanup.defer(async () => {
    stop.abort();
    await following;
  });
  const log = cleanup.use(
    await openPatiently(context, 'log of pulses', () => engines.log(places.pulses)),
  );
  const reach = new LogReach({ log, clock });
  await openPatiently(context, 'log of pulses', () => reach.look());
  cleanup.defer(
    repeat(
      REACH_MS,
      () => reach.look(),
      (err) => logger.warn({ err }, 'the log of pulses does not answer'),
    ),
  );
  const writer = openPulseWriter({
    log,
    clock,
    settings: places.pulses.settings,
    onFailure(error) {
      logger.fatal({ err: error }, 'the log of pulses has failed');
      fail(error);
    },
  });
  cleanup.defer(() => writer.drain());
  const { partitions } = places.pulses.settings;
  const door = new PulseDoor({ writer, clock, partitions });
  const resources = cleanup.move();
  return {
    places,
    catalogue,
    view,
    log,
    writer,
    door,
    trouble: () => clockTrouble() ?? reach.trouble,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
