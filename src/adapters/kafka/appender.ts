/**
 * Appends to Kafka: what waits goes out together, one batch a partition and one request a broker, and
 * every call ends in what is known of it: appended, certainly not, or unknown.
 */
import { ApuraError } from '../../domain/errors.ts';
import type { PartitionBlock } from '../../ports/event-log.ts';
import { type Brokers, kafkaError, NotSentError } from './brokers.ts';
import type { PartitionRoutes } from './partition-routes.ts';
import { batchBytesMax, encodeBatch } from './record-batch.ts';
import { PRODUCE_BY_ID_VERSION, type ProducedPartition, produce } from './requests.ts';
import { BATCH_BYTES_MAX } from './topics.ts';

/** How long what certainly was not appended is tried again, ms: a leader's change takes less. */
const RETRY_MS = 3_000;
const RETRY_PAUSE_MS = 50;
/** How long a leader waits for its followers, ms; below the time in which a request must be answered. */
const PRODUCE_TIMEOUT_MS = 4_000;
/**
 * Requests under way to one broker, each with a connection of its own: a broker takes the next of a
 * connection only when it has answered the last, and its followers have to confirm each.
 */
const IN_FLIGHT_MAX = 4;
/**
 * Calls under way that serve a door. One node answers so soon that neither the gain of a second
 * (256 connections: 0.660 of a no-op against 0.643, single rounds 0.53 to 0.83) nor its CPU time
 * stands out of the noise; it is for brokers that wait for followers. A third showed no gain. Below
 * IN_FLIGHT_MAX, so that a control record or a time mark finds a connection free beside them.
 */
export const APPENDS_UNDER_WAY_MAX = 2;
/** Blocks that wait or are under way. Behind it the log is not keeping up, and says so. */
const QUEUE_BYTES_MAX = 128 * 1024 * 1024;
const REQUEST_BYTES_MAX = 16 * 1024 * 1024;

/** Nothing was appended, and another broker or moment may take it. */
const RETRIABLE = new Set([
  3, // UNKNOWN_TOPIC_OR_PARTITION
  5, // LEADER_NOT_AVAILABLE
  6, // NOT_LEADER_OR_FOLLOWER
  19, // NOT_ENOUGH_REPLICAS, found before the append
  100, // UNKNOWN_TOPIC_ID
]);
/** Nothing was appended, nor would be by trying again. */
const REFUSED = new Set([
  10, // MESSAGE_TOO_LARGE
  18, // RECORD_LIST_TOO_LARGE
  29, // TOPIC_AUTHORIZATION_FAILED
  31, // CLUSTER_AUTHORIZATION_FAILED
]);

/** Kafka's own for "the server does not know": here for an answer that leaves a partition out. */
const NO_ANSWER = -1;

type Outcome =
  | { readonly kind: 'appended'; readonly base: number }
  | { readonly kind: 'nothing' | 'unknown'; readonly cause: unknown };

/** The blocks of one call for one partition: they stand one behind the other, and share one fate. */
interface Item {
  readonly partition: number;
  readonly blocks: readonly Uint8Array[];
  readonly bytes: number;
  readonly deadline: number;
  readonly settle: (outcome: Outcome) => void;
}

export class Appender {
  readonly #brokers: Brokers;
  readonly #routes: PartitionRoutes;
  /** The connections that are taken, by broker. */
  readonly #busy = new Map<number, Set<number>>();
  /** One past the last block that was confirmed, by partition. */
  readonly #ends = new Map<number, number>();
  #waiting: Item[] = [];
  #bytes = 0;
  #closed = false;

  constructor(brokers: Brokers, routes: PartitionRoutes) {
    this.#brokers = brokers;
    this.#routes = routes;
  }

  /** As EventLog.append. */
  async append(blocks: readonly PartitionBlock[]): Promise<readonly number[]> {
    this.#routes.assertSame();
    if (this.#closed) throw new ApuraError('log_unavailable', 'The log is closed');
    for (const { partition } of blocks) this.#routes.place(partition);
    const bytes = blocks.reduce((sum, block) => sum + block.bytes.length, 0);
    if (this.#bytes + bytes > QUEUE_BYTES_MAX) {
      throw new ApuraError('log_unavailable', 'Kafka does not keep up: too much waits for it');
    }
    const offsets = new Array<number>(blocks.length);
    let appendedSome = false;
    this.#bytes += bytes;
    try {
      for (const round of rounds(blocks)) {
        const outcomes = await this.#appendRound(blocks, round);
        for (const [index, { outcome, place }] of outcomes) {
          if (outcome.kind !== 'appended') continue;
          offsets[index] = outcome.base + place;
          appendedSome = true;
        }
        const failed = [...outcomes.values()].map(({ outcome }) => outcome).filter(isFailure);
        const [first] = failed;
        this.#routes.assertSame();
        if (first === undefined) continue;
        throw failure(first.cause, appendedSome || failed.some(({ kind }) => kind === 'unknown'));
      }
    } finally {
      this.#bytes -= bytes;
    }
    return offsets;
  }

  /** What waits is not sent any more, and what fails is not tried again. */
  close(): void {
    this.#closed = true;
    for (const { settle } of this.#waiting.splice(0)) {
      settle({ kind: 'nothing', cause: new Error('The log is closed') });
    }
  }

  /** Outcomes by the index of the block, and the block's place in its item. */
  async #appendRound(blocks: readonly PartitionBlock[], round: readonly number[]) {
    const byPartition = new Map<number, { index: number; bytes: Uint8Array }[]>();
    for (const index of round) {
      const block = blocks[index];
      if (block === undefined) continue;
      const list = byPartition.get(block.partition) ?? [];
      list.push({ index, bytes: block.bytes });
      byPartition.set(block.partition, list);
    }
    const deadline = performance.now() + RETRY_MS;
    const items = [...byPartition].map(async ([partition, list]) => {
      const { promise, resolve } = Promise.withResolvers<Outcome>();
      const own = list.map(({ bytes }) => bytes);
      const bytes = batchBytesMax(own);
      this.#waiting.push({ partition, blocks: own, bytes, deadline, settle: resolve });
      const outcome = await promise;
      return list.map(({ index }, place) => [index, { outcome, place }] as const);
    });
    this.#flush();
    return new Map((await Promise.all(items)).flat());
  }

  /** Sends what waits to every broker that has room for another request. */
  #flush(): void {
    const requests = new Map<number, { items: Map<number, Item[]>; bytes: number }>();
    const staying: Item[] = [];
    for (const item of this.#waiting) {
      const leader = this.#routes.leader(item.partition);
      if (leader === null) {
        this.#retry([item], new NotSentError(`Partition ${item.partition} has no leader now`));
        continue;
      }
      const request = requests.get(leader) ?? { items: new Map<number, Item[]>(), bytes: 0 };
      const batch = request.items.get(item.partition) ?? [];
      const batchBytes = batch.reduce((sum, { bytes }) => sum + bytes, 0);
      const hasRoom =
        (this.#busy.get(leader)?.size ?? 0) < IN_FLIGHT_MAX &&
        (batch.length === 0 || batchBytes + item.bytes <= BATCH_BYTES_MAX) &&
        (request.bytes === 0 || request.bytes + item.bytes <= REQUEST_BYTES_MAX);
      if (!hasRoom) {
        staying.push(item);
        continue;
      }
      batch.push(item);
      request.items.set(item.partition, batch);
      request.bytes += item.bytes;
      requests.set(leader, request);
    }
    this.#waiting = staying;
    for (const [leader, { items }] of requests) void this.#send(leader, items);
  }

  async #send(leader: number, items: ReadonlyMap<number, readonly Item[]>): Promise<void> {
    const busy = this.#busy.get(leader) ?? new Set();
    this.#busy.set(leader, busy);
    let slot = 0;
    while (busy.has(slot)) slot += 1;
    busy.add(slot);
    const all = [...items.values()].flat();
    try {
      const connection = await this.#brokers.connection(leader, `append ${slot}`);
      const byId = (await this.#brokers.produceVersion(connection)) >= PRODUCE_BY_ID_VERSION;
      if (!connection.isConnected()) throw new NotSentError('The connection to Kafka broke');
      const batches = [...items].map(([partition, list]) => {
        const { topic, index } = this.#routes.place(partition);
        const batch = encodeBatch(list.flatMap(({ blocks }) => blocks));
        return { topic, index, batch };
      });
      const confirmed = new Map(this.#ends);
      const answers = await produce(connection, batches, byId, PRODUCE_TIMEOUT_MS);
      for (const [partition, list] of items) {
        this.#settle(partition, list, answers, confirmed.get(partition) ?? 0);
      }
    } catch (cause) {
      if (cause instanceof NotSentError) this.#retry(all, cause);
      else for (const { settle } of all) settle({ kind: 'unknown', cause });
      // What was lost may have been a leader.
      void this.#routes.refresh();
    } finally {
      busy.delete(slot);
      if (this.#waiting.length > 0) this.#flush();
    }
  }

  /** @param confirmed what was the partition's end at least when the request was sent. */
  #settle(
    partition: number,
    items: readonly Item[],
    answers: readonly ProducedPartition[],
    confirmed: number,
  ): void {
    const place = this.#routes.place(partition);
    const answer = answers.find(
      ({ topic, index }) => topic.id === place.topic.id && index === place.index,
    );
    const error = answer?.error ?? NO_ANSWER;
    if (answer !== undefined && error === 0) {
      if (answer.baseOffset < confirmed) {
        const words = `Partition ${partition} in Kafka has lost blocks that it had confirmed`;
        this.#routes.giveUp('log_rewound', words);
      }
      let base = answer.baseOffset;
      for (const { blocks, settle } of items) {
        settle({ kind: 'appended', base });
        base += blocks.length;
      }
      this.#ends.set(partition, Math.max(base, this.#ends.get(partition) ?? 0));
      return;
    }
    const cause = new Error(`Kafka answers ${kafkaError(error)} for partition ${partition}`);
    if (RETRIABLE.has(error)) {
      this.#retry(items, cause);
      return;
    }
    const kind = REFUSED.has(error) ? 'nothing' : 'unknown';
    for (const { settle } of items) settle({ kind, cause });
  }

  /** Only what certainly was not appended. */
  #retry(items: readonly Item[], cause: unknown): void {
    const now = this.#closed ? Number.POSITIVE_INFINITY : performance.now();
    const again = items.filter(({ deadline }) => deadline > now);
    for (const { deadline, settle } of items) {
      if (deadline <= now) settle({ kind: 'nothing', cause });
    }
    if (again.length > 0) void this.#sendAgain(again);
  }

  async #sendAgain(items: readonly Item[]): Promise<void> {
    await this.#routes.refresh();
    try {
      this.#routes.assertSame();
    } catch (cause) {
      for (const { settle } of items) settle({ kind: 'nothing', cause });
      return;
    }
    await Bun.sleep(RETRY_PAUSE_MS);
    this.#waiting.push(...items);
    this.#flush();
  }
}

/** A batch has an upper bound, and a partition one batch a request: larger calls go in turns. */
function rounds(blocks: readonly PartitionBlock[]): readonly (readonly number[])[] {
  const all: number[][] = [];
  const turns = new Map<number, { turn: number; bytes: number }>();
  blocks.forEach(({ partition, bytes }, index) => {
    const size = batchBytesMax([bytes]);
    const at = turns.get(partition) ?? { turn: 0, bytes: 0 };
    if (at.bytes > 0 && at.bytes + size > BATCH_BYTES_MAX) {
      at.turn += 1;
      at.bytes = 0;
    }
    at.bytes += size;
    turns.set(partition, at);
    const turn = all[at.turn] ?? [];
    turn.push(index);
    all[at.turn] = turn;
  });
  return all;
}

function isFailure(outcome: Outcome): outcome is Exclude<Outcome, { kind: 'appended' }> {
  return outcome.kind !== 'appended';
}

function failure(cause: unknown, isUnknown: boolean): ApuraError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return isUnknown
    ? new ApuraError('append_unknown', `Kafka may or may not have appended: ${reason}`, { cause })
    : new ApuraError('log_unavailable', `Kafka has appended nothing: ${reason}`, { cause });
}
