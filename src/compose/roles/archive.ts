/** `apura archive`: a raw backup of every pulse, and of votes where set, outside the ledger; several share the partitions out. */
import { archivablePulses, archivableVotes } from '../../application/archive/archive-decoder.ts';
import type { Readiness } from '../../edge/http/api-deps.ts';
import { createInstruments } from '../../telemetry/instruments.ts';
import { addConsumerMetrics } from '../../telemetry/metering-metrics.ts';
import { version } from '../../version.ts';
import type { LogPlace } from '../engines.ts';
import { firstPartitions } from '../first-partitions.ts';
import { meteringPlaces } from '../metering/logs-apart.ts';
import { type ArchivedLog, startArchivePart } from './archive-part.ts';
import { addLogMetrics, type LogWatch, logsPart, watchLogs } from './log-watch.ts';
import { logPlaces, openPatiently, type RoleContext, type RunningRole } from './process.ts';
import { partOf, readinessOf } from './role-server.ts';
import { showStatus } from './role-status.ts';

const ROLE = 'archive';
/** About 40,000 pulses: many blocks together cost the archive little more than one. */
const PULSES_STEP_BYTES_MAX = 1280 << 10;
/** About 70,000 votes, which take ten times as much on their way as in the log. */
const VOTES_STEP_BYTES_MAX = 1 << 20;

export async function startArchiveRole(context: RoleContext): Promise<RunningRole> {
  const { engines, config, logger } = context;
  await using cleanup = new AsyncDisposableStack();
  const catalogue = cleanup.use(
    await openPatiently(context, 'catalogue', () => engines.meteringCatalogue()),
  );
  const { pulses } = await meteringPlaces(catalogue, firstPartitions(config));
  const votes = config.archiveVotes ? await votePlaces(context, cleanup) : null;
  const archive = cleanup.use(await openPatiently(context, 'archive', () => engines.archive()));
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
  const follow = async (archived: ArchivedLog) =>
    cleanup.use(await startArchivePart(context, ROLE, archive, archived, fail));
  const ofPulses = await follow({
    place: pulses,
    name: 'resource-consumption',
    decode: archivablePulses,
    stepBytesMax: PULSES_STEP_BYTES_MAX,
  });
  const parts = [ofPulses];
  for (const place of votes?.places ?? []) {
    const name = place.settings.logId;
    const decode = archivableVotes;
    parts.push(await follow({ place, name, decode, stepBytesMax: VOTES_STEP_BYTES_MAX }));
  }
  const reports = cleanup.use(await openPatiently(context, 'reports', () => engines.reports()));
  const instruments = createInstruments(version);
  addConsumerMetrics(
    instruments,
    parts.map(({ consumer }) => consumer),
  );
  if (votes !== null) addLogMetrics(instruments, votes.watch);
  const { description } = ofPulses;
  const readiness = (): Readiness => {
    const troubles = parts.flatMap(({ trouble }) => (trouble === null ? [] : [trouble]));
    const trouble = troubles.length === 0 ? null : troubles.join(' ');
    const logs = votes === null ? [] : logsPart(votes.watch);
    return readinessOf(description, [partOf(ROLE, trouble), ...logs]);
  };
  const endSecond = (): null => {
    for (const part of parts) {
      part
        .lookAtEnds()
        .catch((err: unknown) => logger.warn({ err }, 'the log does not say where it ends'));
    }
    return null;
  };
  const status = { role: ROLE, reports, instruments, readiness, endSecond };
  const url = showStatus(context, cleanup, status);
  const resources = cleanup.move();
  return {
    url,
    durability: description.durability,
    logIds: parts.map((part) => part.description.logId),
    failed,
    stop: () => resources.disposeAsync(),
  };
}

/** The installation's logs of votes, and who sees that there is a new one. */
async function votePlaces(
  context: RoleContext,
  cleanup: AsyncDisposableStack,
): Promise<{ readonly places: readonly LogPlace[]; readonly watch: LogWatch }> {
  const catalogue = cleanup.use(
    await openPatiently(context, 'catalogue', () => context.engines.catalogue()),
  );
  const places = await logPlaces(context, catalogue);
  return { places, watch: watchLogs(context, ROLE, catalogue, places, cleanup) };
}
