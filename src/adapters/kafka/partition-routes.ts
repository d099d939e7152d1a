/** Which broker leads which partition of a log now, and whether its topics are still the same ones. */
import { ApuraError } from '../../domain/errors.ts';
import { CONTROL_PARTITION } from '../../ports/event-log.ts';
import type { Brokers, TopicMetadata } from './brokers.ts';
import type { TopicName } from './requests.ts';

/** A storm of failures asks once. */
const REFRESH_PAUSE_MS = 50;
/** Tells a broker that nothing is known of its partition's leaders. */
const NO_EPOCH = -1;

export interface PartitionPlace {
  readonly topic: TopicName;
  /** Within the topic. */
  readonly index: number;
  /**
   * Counts the partition's leaders. Named with every question: a broker that does not know yet that it
   * leads no more, or that it leads, then says so instead of answering as if it did.
   */
  readonly leaderEpoch: number;
}

export class PartitionRoutes {
  readonly #brokers: Pick<Brokers, 'cluster'>;
  readonly #events: TopicName;
  readonly #control: TopicName;
  readonly #partitions: number;
  readonly #leaders = new Map<number, number>();
  readonly #epochs = new Map<number, number>();
  #refreshing: Promise<void> | null = null;
  #refreshedAt = Number.NEGATIVE_INFINITY;
  #broken: ApuraError | null = null;

  constructor(brokers: Pick<Brokers, 'cluster'>, events: TopicMetadata, control: TopicMetadata) {
    this.#brokers = brokers;
    this.#events = { name: events.name ?? '', id: events.topicId };
    this.#control = { name: control.name ?? '', id: control.topicId };
    this.#partitions = events.partitions.length;
    this.#learn(events);
    this.#learn(control);
  }

  /** @throws RangeError when the log has no such partition. */
  place(partition: number): PartitionPlace {
    const leaderEpoch = this.#epochs.get(partition) ?? NO_EPOCH;
    if (partition === CONTROL_PARTITION) return { topic: this.#control, index: 0, leaderEpoch };
    if (!Number.isInteger(partition) || partition < 0 || partition >= this.#partitions) {
      throw new RangeError(`The log has no partition ${partition}`);
    }
    return { topic: this.#events, index: partition, leaderEpoch };
  }

  #partitionAt(topic: TopicName, index: number): number {
    return topic.id === this.#control.id ? CONTROL_PARTITION : index;
  }

  /** The broker's number; null when the partition has no leader that is known. */
  leader(partition: number): number | null {
    return this.#leaders.get(partition) ?? null;
  }

  /**
   * @throws ApuraError `log_mismatch`: a topic was deleted and made anew since the log was opened.
   * @throws ApuraError `log_rewound`: blocks that were confirmed to this handle are gone.
   */
  assertSame(): void {
    if (this.#broken !== null) throw this.#broken;
  }

  /** From now on this is not the log that was opened. The first reason stays. */
  giveUp(code: 'log_mismatch' | 'log_rewound', words: string): void {
    this.#broken ??= new ApuraError(code, words);
  }

  /** Asks anew, at most once at a time; does not fail when nobody answers. */
  async refresh(): Promise<void> {
    this.#refreshing ??= this.#ask().finally(() => {
      this.#refreshing = null;
    });
    await this.#refreshing;
  }

  async #ask(): Promise<void> {
    const pause = this.#refreshedAt + REFRESH_PAUSE_MS - performance.now();
    if (pause > 0) await Bun.sleep(pause);
    try {
      const { topics } = await this.#brokers.cluster([this.#events.name, this.#control.name]);
      for (const topic of topics) this.#learn(topic);
    } catch {
      // Nobody answers: what was known stays, and whoever needs more fails by itself.
    } finally {
      this.#refreshedAt = performance.now();
    }
  }

  #learn(topic: TopicMetadata): void {
    if (topic.errorCode !== 0) return;
    const known = topic.name === this.#events.name ? this.#events : this.#control;
    if (topic.topicId !== known.id) {
      this.giveUp('log_mismatch', `The Kafka topic ${known.name} was deleted and made anew`);
      return;
    }
    for (const { partitionIndex, leaderId, leaderEpoch } of topic.partitions) {
      const partition = this.#partitionAt(known, partitionIndex);
      // A broker that was cut off or asleep tells of a leader that another one has followed.
      if (leaderEpoch < (this.#epochs.get(partition) ?? NO_EPOCH)) continue;
      this.#epochs.set(partition, leaderEpoch);
      if (leaderId < 0) this.#leaders.delete(partition);
      else this.#leaders.set(partition, leaderId);
    }
  }
}
