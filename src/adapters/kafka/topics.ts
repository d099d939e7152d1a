/** The two topics of a log: made when missing, and held to what the guarantees need when there. */
import { ConfigResourceTypes, createTopicsV7, describeConfigsV4 } from '@platformatic/kafka';
import { ApuraError } from '../../domain/errors.ts';
import type { Durability } from '../../ports/event-log.ts';
import {
  type Brokers,
  type Cluster,
  kafkaError,
  NotSentError,
  type TopicMetadata,
  withErrors,
} from './brokers.ts';
import type { KafkaSettings } from './kafka-url.ts';

/** The largest batch that the log sends, bytes: several of the largest blocks. */
export const BATCH_BYTES_MAX = 4 * 1024 * 1024;

const NO_ERROR = 0;
const UNKNOWN_TOPIC = 3;
const TOPIC_EXISTS = 36;
const REFUSED = [29, 31, 40, 44];
const INVALID_REPLICATION = 38;
/** A cluster of its size gives what `replicated` means; a smaller one can not. */
const REPLICATED = { replication: 3, minInsync: 2 };
const CREATE_TIMEOUT_MS = 4_000;
/** Brokers come to know a new topic one after the other. */
const OPEN_TIMEOUT_MS = 15_000;
const ASK_AGAIN_MS = 50;
const TOPIC_NAME = /^[A-Za-z0-9._-]{1,249}$/;

export interface TopicPlan {
  readonly name: string;
  readonly partitions: number;
}

/** What a log's topics hold alike, for every partition. */
export interface OpenedTopics {
  readonly topics: readonly TopicMetadata[];
  readonly durability: Durability;
}

/** The settings that must be as they are here, or the log would forget, reorder or refuse blocks. */
const FIXED: Readonly<Record<string, string>> = {
  'cleanup.policy': 'delete',
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'message.timestamp.type': 'LogAppendTime',
  'unclean.leader.election.enable': 'false',
  'compression.type': 'producer',
};
const MAX_MESSAGE = 'max.message.bytes';
const MIN_INSYNC = 'min.insync.replicas';
const FLUSH = 'flush.messages';

/** @throws ApuraError `invalid_config`: the name is too long, or has what Kafka does not take. */
export function topicPlans(
  settings: KafkaSettings,
  logId: string,
  partitions: number,
): { readonly events: TopicPlan; readonly control: TopicPlan } {
  const name = `${settings.topic}-${logId}`;
  const control = `${name}-control`;
  if (!TOPIC_NAME.test(control)) {
    throw new ApuraError('invalid_config', `Kafka takes no topic of the name ${control}`);
  }
  return { events: { name, partitions }, control: { name: control, partitions: 1 } };
}

/**
 * @throws ApuraError `invalid_config`: a topic contradicts what is wanted, or may not be made.
 * @throws ApuraError `log_unavailable`: the brokers can not be reached, or not do it now.
 */
export async function openTopics(
  brokers: Brokers,
  settings: KafkaSettings,
  plans: readonly TopicPlan[],
): Promise<OpenedTopics> {
  const deadline = performance.now() + OPEN_TIMEOUT_MS;
  let missing = 'the topics';
  for (;;) {
    const cluster = await reach(brokers, plans);
    const topics = cluster.topics.filter(isWhole);
    if (topics.length === plans.length) {
      const checked = await checkTopics(brokers, settings, plans, cluster);
      if (checked !== null) return checked;
      missing = 'the settings of the topics';
    } else {
      for (const plan of plans) {
        const found = cluster.topics.find(({ name }) => name === plan.name);
        if (found?.errorCode !== UNKNOWN_TOPIC) continue;
        await createTopic(brokers, settings, plan, cluster.brokers.size);
      }
    }
    if (performance.now() > deadline) {
      throw new ApuraError('log_unavailable', `Kafka does not say within its time: ${missing}`);
    }
    await Bun.sleep(ASK_AGAIN_MS);
  }
}

function isWhole({ errorCode, partitions }: TopicMetadata): boolean {
  return errorCode === NO_ERROR && partitions.length > 0;
}

async function reach(brokers: Brokers, plans: readonly TopicPlan[]): Promise<Cluster> {
  try {
    return await brokers.cluster(plans.map(({ name }) => name));
  } catch (error) {
    throw unreachable(error);
  }
}

function unreachable(error: unknown): unknown {
  if (!(error instanceof NotSentError)) return error;
  if (error.refused) {
    const words = 'Kafka refuses the mechanism, the user or the password of its URL';
    return new ApuraError('invalid_config', words, { cause: error });
  }
  return new ApuraError('log_unavailable', error.message, { cause: error });
}

async function createTopic(
  brokers: Brokers,
  settings: KafkaSettings,
  plan: TopicPlan,
  brokersThere: number,
): Promise<void> {
  const { replication, minInsync } = wanted(settings, brokersThere);
  const configs = Object.entries({
    ...FIXED,
    [MIN_INSYNC]: String(minInsync),
    [MAX_MESSAGE]: String(BATCH_BYTES_MAX),
  }).map(([name, value]) => ({ name, value }));
  const topic = {
    name: plan.name,
    numPartitions: plan.partitions,
    replicationFactor: replication,
    assignments: [],
    configs,
  };
  const connection = await brokers.anyConnection().catch((error) => {
    throw unreachable(error);
  });
  const answer = await withErrors(
    createTopicsV7.api.async(connection, [topic], CREATE_TIMEOUT_MS, false),
  ).catch((cause) => {
    const words = `Kafka does not say whether it made the topic ${plan.name}`;
    throw new ApuraError('log_unavailable', words, { cause });
  });
  const made = answer.topics.find(({ name }) => name === plan.name);
  const error = made?.errorCode ?? NO_ERROR;
  if (error === NO_ERROR || error === TOPIC_EXISTS) return;
  const words = `Kafka does not make the topic ${plan.name} with replication=${replication}`;
  const reason = made?.errorMessage ?? kafkaError(error);
  const isOurs =
    REFUSED.includes(error) ||
    (error === INVALID_REPLICATION &&
      settings.replication !== null &&
      brokersThere >= settings.replication);
  throw new ApuraError(isOurs ? 'invalid_config' : 'log_unavailable', `${words}: ${reason}`);
}

/** Null while a broker that is asked does not know the topics' settings yet. */
async function checkTopics(
  brokers: Brokers,
  settings: KafkaSettings,
  plans: readonly TopicPlan[],
  cluster: Cluster,
): Promise<OpenedTopics | null> {
  const found: { replication: number; minInsync: number; flushes: boolean }[] = [];
  const connection = await brokers.anyConnection().catch((error) => {
    throw unreachable(error);
  });
  const resources = plans.map(({ name }) => ({
    resourceType: ConfigResourceTypes.TOPIC,
    resourceName: name,
    configurationKeys: [...Object.keys(FIXED), MAX_MESSAGE, MIN_INSYNC, FLUSH],
  }));
  const described = await withErrors(
    describeConfigsV4.api.async(connection, resources, false, false),
  ).catch((cause) => {
    throw new ApuraError('log_unavailable', 'Kafka does not tell its topics’ settings', { cause });
  });
  for (const plan of plans) {
    const topic = cluster.topics.find(({ name }) => name === plan.name);
    const result = described.results.find(({ resourceName }) => resourceName === plan.name);
    if (topic === undefined || result === undefined) return null;
    if (REFUSED.includes(result.errorCode)) {
      const words = `Kafka does not tell the settings of ${plan.name}: ${kafkaError(result.errorCode)}`;
      throw new ApuraError('invalid_config', words);
    }
    if (result.errorCode !== NO_ERROR) return null;
    const values = new Map(result.configs.map(({ name, value }) => [name, value ?? '']));
    found.push(checkTopic(settings, plan, topic, values, cluster.brokers.size));
  }
  const topics = plans.flatMap((plan) => cluster.topics.filter(({ name }) => name === plan.name));
  const isReplicated = found.every(
    ({ replication, minInsync }) =>
      replication >= REPLICATED.replication && minInsync >= REPLICATED.minInsync,
  );
  if (isReplicated) return { topics, durability: 'replicated' };
  const flushes = found.every((topic) => topic.flushes);
  return { topics, durability: flushes ? 'power-safe' : 'process-safe' };
}

function checkTopic(
  settings: KafkaSettings,
  plan: TopicPlan,
  topic: TopicMetadata,
  values: ReadonlyMap<string, string>,
  brokersThere: number,
): { replication: number; minInsync: number; flushes: boolean } {
  const demand = (setting: string, found: string | number, holds: boolean, want: string): void => {
    if (holds) return;
    const words = `The Kafka topic ${plan.name} has ${setting} ${found}, wanted is ${want}`;
    throw new ApuraError('invalid_config', words);
  };
  const count = topic.partitions.length;
  demand('partitions', count, count === plan.partitions, String(plan.partitions));
  for (const [name, want] of Object.entries(FIXED)) {
    const value = values.get(name) ?? 'unknown';
    demand(name, value, value === want, want);
  }
  const largest = Number(values.get(MAX_MESSAGE));
  demand(MAX_MESSAGE, largest, largest >= BATCH_BYTES_MAX, `${BATCH_BYTES_MAX} or more`);
  const replication = Math.min(...topic.partitions.map(({ replicaNodes }) => replicaNodes.length));
  // Without a setting more is welcome: a broker that is away now makes the cluster look smaller.
  const least = wanted(settings, brokersThere).replication;
  const enough = settings.replication === null ? replication >= least : replication === least;
  demand('replication', replication, enough, String(least));
  const minInsync = Number(values.get(MIN_INSYNC));
  const leastInsync = wanted({ ...settings, replication }, brokersThere).minInsync;
  const holds = settings.minInsync === null ? minInsync >= leastInsync : minInsync === leastInsync;
  demand(MIN_INSYNC, minInsync, holds, String(leastInsync));
  return { replication, minInsync, flushes: values.get(FLUSH) === '1' };
}

function wanted(
  settings: KafkaSettings,
  brokersThere: number,
): { readonly replication: number; readonly minInsync: number } {
  const byBrokers = brokersThere >= REPLICATED.replication ? REPLICATED.replication : 1;
  const replication = settings.replication ?? byBrokers;
  const byReplicas = replication >= REPLICATED.replication ? REPLICATED.minInsync : 1;
  return { replication, minInsync: settings.minInsync ?? byReplicas };
}
