/**
 * The event log on Kafka: offsets are Kafka's, a block is a record, and a partition's blocks come from
 * its leader by explicit offset. Consumer groups, transactions and idempotent producers have no part
 * in it: what is counted once is decided by what stands in the log.
 */
import { listOffsetsV7 } from '@platformatic/kafka';
import { ApuraError } from '../../domain/errors.ts';
import type {
  EventLog,
  LogBounds,
  LogDescription,
  LoggedBlock,
  LogPosition,
  PartitionBlock,
} from '../../ports/event-log.ts';
import { APPENDS_UNDER_WAY_MAX, Appender } from './appender.ts';
import { Brokers, kafkaError, NotSentError, withErrors } from './brokers.ts';
import { parseKafkaUrl } from './kafka-url.ts';
import { PartitionRoutes } from './partition-routes.ts';
import { decodeBatches } from './record-batch.ts';
import { fetchPartitions } from './requests.ts';
import { openTopics, topicPlans } from './topics.ts';
import { Watcher } from './watcher.ts';

/** How long a read looks for a partition's leader, ms. */
const RETRY_MS = 3_000;
const RETRY_PAUSE_MS = 50;
/** The most that one read takes from a broker. */
const READ_BYTES_MAX = 16 * 1024 * 1024;
/** What Kafka counts beside the blocks, as a part of them and for a few small ones. */
const READ_OVERHEAD = { part: 1 / 8, bytes: 4_096 };
const EARLIEST = -2n;
const LATEST = -1n;

const OFFSET_OUT_OF_RANGE = 1;
const CORRUPT = 2;
/** Another broker, or a moment later, may answer. */
const RETRIABLE = new Set([
  3, // UNKNOWN_TOPIC_OR_PARTITION
  5, // LEADER_NOT_AVAILABLE
  6, // NOT_LEADER_OR_FOLLOWER
  7, // REQUEST_TIMED_OUT
  9, // REPLICA_NOT_AVAILABLE
  56, // KAFKA_STORAGE_ERROR: the broker gives the partition up
  74, // FENCED_LEADER_EPOCH
  75, // UNKNOWN_LEADER_EPOCH
  78, // OFFSET_NOT_AVAILABLE
  100, // UNKNOWN_TOPIC_ID
  103, // INCONSISTENT_TOPIC_ID
]);

/**
 * Opens a log, and makes its topics if there are none: `<topic>-<logId>` with the event partitions,
 * `<topic>-<logId>-control` with the control partition.
 *
 * @throws ApuraError `invalid_config`: the URL, or a topic that is not as it must be.
 * @throws ApuraError `log_unavailable`: no broker answers.
 */
export async function openKafkaLog(options: {
  readonly url: string;
  readonly logId: string;
  readonly partitions: number;
}): Promise<EventLog> {
  const settings = parseKafkaUrl(options.url);
  const { events, control } = topicPlans(settings, options.logId, options.partitions);
  const brokers = new Brokers(settings);
  try {
    const { topics, durability } = await openTopics(brokers, settings, [events, control]);
    const [eventTopic, controlTopic] = topics;
    if (eventTopic === undefined || controlTopic === undefined) {
      throw new ApuraError('log_unavailable', 'Kafka has left a topic out');
    }
    const { logId, partitions } = options;
    const description: LogDescription = {
      logId,
      partitions,
      durability,
      atomicAppend: false,
      appendsUnderWayMax: APPENDS_UNDER_WAY_MAX,
    };
    return new KafkaEventLog(
      description,
      brokers,
      new PartitionRoutes(brokers, eventTopic, controlTopic),
    );
  } catch (error) {
    await brokers[Symbol.asyncDispose]();
    throw error;
  }
}

class KafkaEventLog implements EventLog {
  readonly description: LogDescription;
  readonly #brokers: Brokers;
  readonly #routes: PartitionRoutes;
  readonly #appender: Appender;
  readonly #watcher: Watcher;

  constructor(description: LogDescription, brokers: Brokers, routes: PartitionRoutes) {
    this.description = description;
    this.#brokers = brokers;
    this.#routes = routes;
    this.#appender = new Appender(brokers, routes);
    this.#watcher = new Watcher(brokers, routes);
  }

  append(blocks: readonly PartitionBlock[]): Promise<readonly number[]> {
    return this.#appender.append(blocks);
  }

  async read(partition: number, from: number, maxBytes: number): Promise<readonly LoggedBlock[]> {
    const asked = Math.ceil(maxBytes * (1 + READ_OVERHEAD.part)) + READ_OVERHEAD.bytes;
    const bytesMax = Math.min(asked, READ_BYTES_MAX);
    const bounds = { waitMs: 0, partitionBytesMax: bytesMax, bytesMax };
    return this.#atLeader(partition, async (leader) => {
      const connection = await this.#brokers.connection(leader, 'read');
      const wanted = { ...this.#routes.place(partition), offset: from };
      const answer = await fetchPartitions(connection, [wanted], bounds);
      const [fetched] = answer.partitions;
      const error = answer.error === 0 ? (fetched?.error ?? MISSING) : answer.error;
      if (error === OFFSET_OUT_OF_RANGE) {
        await this.#explainOutOfRange(partition, from);
        return null;
      }
      this.#check(error, partition);
      return decodeBatches(fetched?.records ?? Buffer.alloc(0), from, maxBytes);
    });
  }

  bounds(partition: number): Promise<LogBounds> {
    return this.#atLeader(partition, async (leader) => {
      const connection = await this.#brokers.connection(leader, 'read');
      const { topic, index, leaderEpoch } = this.#routes.place(partition);
      const ask = async (timestamp: bigint): Promise<number> => {
        const partitions = [{ partitionIndex: index, currentLeaderEpoch: leaderEpoch, timestamp }];
        const answer = await withErrors(
          listOffsetsV7.api.async(connection, -1, 0, [{ name: topic.name, partitions }]),
        );
        const found = answer.topics[0]?.partitions[0];
        this.#check(found?.errorCode ?? MISSING, partition);
        return Number(found?.offset);
      };
      const [start, end] = await Promise.all([ask(EARLIEST), ask(LATEST)]);
      return { start, end };
    });
  }

  changed(positions: readonly LogPosition[], signal: AbortSignal): Promise<void> {
    return this.#watcher.changed(positions, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#appender.close();
    await this.#brokers[Symbol.asyncDispose]();
  }

  /** Returns without a word where the log has changed meanwhile, so that `from` may lie in it. */
  async #explainOutOfRange(partition: number, from: number): Promise<void> {
    const { start, end } = await this.bounds(partition);
    if (from < start) {
      throw new ApuraError(
        'log_trimmed',
        `Partition ${partition} starts at ${start}, not at ${from}`,
      );
    }
    if (from > end) {
      throw new ApuraError('log_rewound', `Partition ${partition} ends at ${end}, before ${from}`);
    }
  }

  #check(error: number, partition: number): void {
    if (error === 0) return;
    const words = `Kafka answers ${kafkaError(error)} for partition ${partition}`;
    if (error === CORRUPT) throw new ApuraError('log_corrupt', words);
    if (RETRIABLE.has(error)) throw new NotSentError(words);
    throw new ApuraError('log_unavailable', words);
  }

  /** Asks a partition's leader, whoever that comes to be; null asks again. */
  async #atLeader<Answer>(
    partition: number,
    ask: (leader: number) => Promise<Answer | null>,
  ): Promise<Answer> {
    this.#routes.place(partition);
    const deadline = performance.now() + RETRY_MS;
    for (;;) {
      this.#routes.assertSame();
      let failure: unknown;
      try {
        const leader = this.#routes.leader(partition);
        const answer = leader === null ? null : await ask(leader);
        if (answer !== null) return answer;
      } catch (error) {
        if (error instanceof ApuraError) throw error;
        failure = error;
      }
      await this.#routes.refresh();
      this.#routes.assertSame();
      if (performance.now() > deadline) {
        const reason = failure instanceof Error ? failure.message : 'it has no leader now';
        const words = `Kafka does not give partition ${partition}: ${reason}`;
        throw new ApuraError('log_unavailable', words, { cause: failure });
      }
      await Bun.sleep(RETRY_PAUSE_MS);
    }
  }
}

/** Stands for a partition that an answer leaves out: ask again. */
const MISSING = 3;
