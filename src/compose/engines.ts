/** Which technology stands behind each port of a role that runs apart: one exhaustive switch a port. */
import { openCassandraArchive } from '../adapters/cassandra/archive.ts';
import { openKafkaLog } from '../adapters/kafka/event-log.ts';
import { joinKafkaGroup } from '../adapters/kafka/partition-ownership.ts';
import { openPostgresCatalogue } from '../adapters/postgres/catalogue.ts';
import { openPostgresLedger } from '../adapters/postgres/ledger.ts';
import { openPostgresMeteringCatalogue } from '../adapters/postgres/metering-catalogue.ts';
import { openPostgresPulseLedger } from '../adapters/postgres/pulse-ledger.ts';
import { openPostgresRatingBook } from '../adapters/postgres/rating-book.ts';
import { openRabbitmqLog } from '../adapters/rabbitmq/event-log.ts';
import { joinRabbitmqGroup } from '../adapters/rabbitmq/partition-ownership.ts';
import { openRedisLiveTally } from '../adapters/redis/live-tally.ts';
import { openRedisProcessReports } from '../adapters/redis/process-reports.ts';
import { openRedisTallyChanges } from '../adapters/redis/tally-changes.ts';
import { type Config, checkApart } from '../config/config.ts';
import type { LogSettings } from '../domain/counting/log-settings.ts';
import { ApuraError } from '../domain/errors.ts';
import type { Archive } from '../ports/archive.ts';
import type { Catalogue } from '../ports/catalogue.ts';
import type { DeadLetters } from '../ports/dead-letters.ts';
import type { EventLog } from '../ports/event-log.ts';
import type { Ledger } from '../ports/ledger.ts';
import type { LiveTally } from '../ports/live-tally.ts';
import type { MeteringCatalogue } from '../ports/metering-catalogue.ts';
import type { PartitionOwnership } from '../ports/partition-ownership.ts';
import type { ProcessReports } from '../ports/process-reports.ts';
import type { PulseLedger } from '../ports/pulse-ledger.ts';
import type { RatingBook } from '../ports/rating-book.ts';
import type { TallyChanges } from '../ports/tally-changes.ts';

/** One log of the installation. */
export interface LogPlace {
  readonly settings: LogSettings;
  /** Its place among the installation's logs, the oldest being 0: names its part of each store. */
  readonly generation: number;
}

/** Opens what a role needs, as its settings say. Every method rejects as the adapter's own `open`. */
export interface Engines {
  catalogue(): Promise<Catalogue>;
  log(place: LogPlace): Promise<EventLog>;
  tally(place: LogPlace): Promise<LiveTally>;
  tallyChanges(place: LogPlace): Promise<TallyChanges>;
  ledger(place: LogPlace): Promise<Ledger>;
  ownership(place: LogPlace, role: string): Promise<PartitionOwnership>;
  reports(): Promise<ProcessReports>;
  meteringCatalogue(): Promise<MeteringCatalogue>;
  /** `logId`: of the log of pulses. */
  pulseLedger(logId: string): Promise<PulseLedger & { readonly deadLetters: DeadLetters }>;
  /** `logId`: of the log of usage. */
  ratingBook(logId: string): Promise<RatingBook>;
  /** @throws ApuraError `invalid_config`: APURA_ARCHIVE names none. */
  archive(): Promise<Archive>;
}

/** @throws ApuraError `invalid_config`: the settings do not suit a role in a process of its own. */
export function enginesOf(config: Config, role: string): Engines {
  checkApart(role, config);
  const { log, tally, ledger, archive } = config;
  const keyPrefix = ({ generation }: LogPlace): string =>
    generation === 0 ? KEY_PREFIX : `${KEY_PREFIX}-${generation}`;
  return {
    catalogue: () => openPostgresCatalogue({ url: ledger.url }),
    log({ settings: { logId, partitions } }) {
      const options = { url: log.url, logId, partitions };
      return log.kind === 'kafka' ? openKafkaLog(options) : openRabbitmqLog(options);
    },
    tally: (place) =>
      openRedisLiveTally({
        url: tally.url,
        logId: place.settings.logId,
        keyPrefix: keyPrefix(place),
      }),
    tallyChanges: (place) =>
      openRedisTallyChanges({
        url: tally.url,
        logId: place.settings.logId,
        partitions: place.settings.partitions,
        keyPrefix: keyPrefix(place),
      }),
    ledger: ({ settings: { logId }, generation }) =>
      openPostgresLedger({ url: ledger.url, logId, generation }),
    ownership({ settings: { logId, partitions } }, role) {
      const options = { url: log.url, logId, partitions, role };
      return log.kind === 'kafka' ? joinKafkaGroup(options) : joinRabbitmqGroup(options);
    },
    reports: () => openRedisProcessReports({ url: tally.url, keyPrefix: KEY_PREFIX }),
    meteringCatalogue: () => openPostgresMeteringCatalogue({ url: ledger.url }),
    pulseLedger: (logId) => openPostgresPulseLedger({ url: ledger.url, logId }),
    ratingBook: (logId) => openPostgresRatingBook({ url: ledger.url, logId }),
    async archive() {
      if (archive === null) throw noArchive();
      return openCassandraArchive({ url: archive.url });
    },
  };
}

const KEY_PREFIX = 'apura';

function noArchive(): ApuraError {
  return new ApuraError(
    'invalid_config',
    'APURA_ARCHIVE is missing: cassandra://host:port/keyspace.',
  );
}
